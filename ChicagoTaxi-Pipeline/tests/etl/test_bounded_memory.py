"""What DuckDB plans to hold in memory does not grow with the input."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from chicagotaxi.etl import expressions
from chicagotaxi.etl.engines import EngineOptions, duckdb
from chicagotaxi.etl.engines.distinct import unless_written
from chicagotaxi.etl.engines.protocol import POSITION
from chicagotaxi.etl.expressions import MONTH
from chicagotaxi.sources.dialects import DIALECTS
from chicagotaxi.sources.input_files import find_sources, group_sources
from trips import NOW, trip, write


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A node of a plan, and all below it."""
    return [plan, *(one for child in plan["children"] for one in nodes(child))]


# More than DuckDB takes a CSV file of unknown length to have.
MANY: Final = 5_000


@contextmanager
def opened(folder: Path) -> Iterator[tuple[duckdb.DuckDBEngine, ibis.Table]]:
    """An engine, and the rows of an input of all dialects."""
    inputs = [
        write(folder / f"{dialect.name}.csv", [trip("a", dialect)], dialect) for dialect in DIALECTS
    ]
    with duckdb.opened(EngineOptions(memory="1GB", threads=2), folder / "temporary") as engine:
        read = [(group, engine.read(group)) for group in group_sources(find_sources(inputs))]
        yield engine, expressions.classified(read, engine.functions, now=NOW)


def plan(engine: duckdb.DuckDBEngine, table: ibis.Table) -> list[dict[str, Any]]:
    # Of the engine's own connection, whose settings decide.
    connection = engine._connection  # noqa: SLF001
    sql = ibis.to_sql(table, dialect="duckdb")
    [(_, messages)] = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
    return nodes(json.loads(messages)[0])


def held(join: dict[str, Any]) -> set[str]:
    """What is below DuckDB's second child, which a hash table is built from."""
    return {one["name"].strip() for one in nodes(join["children"][1])}


def test_rows_stream_in_their_order_and_by_all_threads(tmp_path: Path) -> None:
    with opened(tmp_path) as (engine, rows):
        placed = expressions.with_tally(rows).drop("rule", "raw", *POSITION)
        found = {one["name"].strip() for one in plan(engine, placed)}
    assert found == {"READ_CSV", "PROJECTION", "UNION"}


def test_a_join_of_the_input_holds_the_repeated_identifiers(tmp_path: Path) -> None:
    identifiers = pa.array(map(str, range(MANY)))
    (tmp_path / "aside").mkdir()
    pq.write_table(pa.table({"trip_id": identifiers}), tmp_path / "aside" / "0.parquet")
    with opened(tmp_path) as (engine, rows):
        repeats = engine.read_parquet(tmp_path / "aside")
        found = plan(engine, expressions.droppable(rows, repeats))
    [join] = [one for one in found if one["name"] == "HASH_JOIN"]
    assert "READ_CSV" not in held(join)
    assert "READ_CSV" in {one["name"].strip() for one in found}


def test_a_join_with_written_rows_holds_the_rows_that_are_looked_for(tmp_path: Path) -> None:
    with opened(tmp_path) as (engine, rows):
        engine.write(expressions.with_tally(rows), tmp_path / "trips", by=MONTH)
        written = engine.read_parquet(tmp_path / "trips")
        looked_for = rows.select("trip_id", year=ibis.literal(2023), month=ibis.literal(4))
        found = plan(engine, unless_written(looked_for, written, ["trip_id", *MONTH]))
    joins = [one for one in found if one["name"] == "HASH_JOIN"]
    [semi] = [one for one in joins if one["extra_info"]["Join Type"] != "ANTI"]
    assert semi["extra_info"]["Join Type"] == "SEMI"
    assert "READ_PARQUET" not in held(semi)
