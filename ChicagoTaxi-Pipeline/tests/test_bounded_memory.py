"""What DuckDB plans to hold in memory does not grow with the input."""

import json
from pathlib import Path
from typing import Any, Final

import ibis
from chicagotaxi import expressions
from chicagotaxi.data import find_sources, group_sources
from chicagotaxi.engines.duckdb import DuckDBEngine
from trips import NOW, trip, write


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A node of a plan, and all below it."""
    return [plan, *(one for child in plan["children"] for one in nodes(child))]


# More than DuckDB takes a CSV file of unknown length to have.
REPEATS: Final = 5_000


def test_a_join_holds_the_repeated_identifiers_and_not_the_input(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a")])
    with DuckDBEngine.opened(tmp_path / "temporary", memory="1GB", threads=2) as engine:
        [group] = group_sources(find_sources([path]))
        fingerprints = ibis.range(REPEATS).unnest().name("number").as_table()
        again = engine.keep(
            "again",
            fingerprints.select(fingerprint=fingerprints.number.cast("uint64")),
            progress=lambda _share: None,
        )
        rows = expressions.classified([(group, engine.read(group))], engine.functions, now=NOW)
        sql = ibis.to_sql(expressions.placed(rows, again, engine.functions), dialect="duckdb")
        # Of the engine's own connection, whose settings decide.
        connection = engine._connection  # noqa: SLF001
        [(_, plan)] = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
    [join] = [one for one in nodes(json.loads(plan)[0]) if one["name"] == "HASH_JOIN"]
    # DuckDB's second child is what a hash table is built from.
    streamed, held = ({one["name"].strip() for one in nodes(child)} for child in join["children"])
    assert "READ_CSV" in streamed
    assert "READ_CSV" not in held
