"""Outcomes of predictions: late, repeated, corrected or wrong."""

import hashlib
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from modelwatch.errors import TruthError
from modelwatch.part_name import PartName
from modelwatch.reporting.log_tables import LogTables, open_tables, reference
from modelwatch.reporting.sql import identifier, text_literal
from modelwatch.schema import key_column
from modelwatch.store import Store

__all__ = ["BY_ID", "OutcomeFile", "TruthCounts", "ref_kind_of_key", "store_truth"]

BY_ID: Final = "id"
"""The kind of a reference by the prediction id."""

_PART_ROWS: Final = 2_000_000


@dataclass(frozen=True)
class OutcomeFile:
    """A file of outcomes.

    Attributes:
        path: A CSV file with a header, or a Parquet file (``.parquet``).
        key: Columns of the business key, which have the names of the log's declaration; empty if
            the file has prediction ids.
        id_column: Column of the prediction id.
        outcome: Column of the outcome.
        number: Whether an outcome must be a finite number.
        labels: The accepted outcomes; empty for all.
    """

    path: Path
    key: tuple[str, ...] = ()
    id_column: str = "prediction_id"
    outcome: str = "outcome"
    number: bool = False
    labels: tuple[str, ...] = ()


class TruthCounts(NamedTuple):
    """What became of the outcomes of a file.

    ``rows`` is the sum of ``rejected`` and the rows of all references. A reference is conflicting,
    new, corrected or known. One that is not conflicting is matched or unmatched.

    Attributes:
        rows: Rows of the file.
        rejected: Rows without a reference or a valid outcome.
        conflicting: References with several outcomes in this file. None of them is stored.
        new: References without an outcome so far.
        corrected: References whose outcome changed.
        known: References whose outcome was already stored, or was corrected by a later file.
        matched: References that are in the log.
        unmatched: References that are not in the log, or not yet.
    """

    rows: int
    rejected: int
    conflicting: int
    new: int
    corrected: int
    known: int
    matched: int
    unmatched: int


def ref_kind_of_key(names: tuple[str, ...]) -> str:
    """The kind of a reference by these parts of the business key."""
    return f"key:{','.join(names)}"


def store_truth(store: Store, file: OutcomeFile) -> TruthCounts:
    """Store outcomes next to a log. The same file again changes nothing.

    Args:
        store: The log.
        file: The outcomes.

    Raises:
        TruthError: The file cannot be read, or has not the columns.
        StoreError: The log cannot be read or written.
    """
    digest = _digest(file)
    with open_tables(store) as tables:
        tables.add_predictions()
        tables.add_truth()
        total = _read(tables, file)
        applied = _is_applied(store, digest)
        _classify(tables, file, applied=applied)
        counts = _count(tables, total)
        if counts.new or counts.corrected:
            _write(tables.connection, store, digest, counts.new + counts.corrected)
    return counts


def _read(tables: LogTables, file: OutcomeFile) -> int:
    """Create the table ``outcomes`` of valid outcomes; the number of all rows."""
    path = text_literal(str(file.path))
    parquet = file.path.suffix == ".parquet"
    source = f"read_parquet({path})" if parquet else f"read_csv({path}, all_varchar = true)"
    try:
        described = tables.connection.execute(f"describe select * from {source}").fetchall()
    except duckdb.Error as error:
        raise TruthError(
            f"{file.path} cannot be read: {str(error).splitlines()[0]}",
            remedy="Give a CSV file with a header, or a Parquet file.",
        ) from error
    present = {str(row[0]) for row in described}
    for name in (*(file.key or (file.id_column,)), file.outcome):
        if name not in present:
            raise TruthError(
                f"{file.path} has no column {name}, but {', '.join(sorted(present))}.",
                remedy="Name the columns with --id or --key, and --outcome.",
            )
    outcome = f"trim(cast({identifier(file.outcome)} as varchar))"
    valid = f"{outcome} <> ''"
    if file.number:
        valid += f" and isfinite(try_cast({outcome} as double))"
    if file.labels:
        valid += f" and {outcome} in ({', '.join(map(text_literal, file.labels))})"
    try:
        tables.connection.execute(
            f"create table outcomes as select {_reference(tables, file)} as ref, {outcome} as "
            f"outcome, coalesce({valid}, false) as valid from {source}"
        )
    except duckdb.Error as error:
        raise TruthError(
            f"{file.path} cannot be read: {str(error).splitlines()[0]}",
            remedy="Correct the file.",
        ) from error
    return tables.count("outcomes")


def _reference(tables: LogTables, file: OutcomeFile) -> str:
    if not file.key:
        return f"nullif(trim(cast({identifier(file.id_column)} as varchar)), '')"
    parts = []
    for name in file.key:
        text = f"nullif(trim(cast({identifier(name)} as varchar)), '')"
        if tables.columns and key_column(name) not in tables.columns:
            prefix = key_column("")
            declared = [
                column.removeprefix(prefix)
                for column in tables.columns
                if column.startswith(prefix)
            ]
            raise TruthError(
                f"{name} is no part of the business key of this log.",
                remedy=f"Its key has these parts: {', '.join(declared) or 'none'}.",
            )
        # 8 and 8.0 are the same number.
        if tables.columns.get(key_column(name)) == "DOUBLE":
            text = f"cast(try_cast({text} as double) as varchar)"
        parts.append(text)
    return reference(parts)


def _classify(tables: LogTables, file: OutcomeFile, *, applied: bool) -> None:
    """Create the table ``found``: one row for each reference."""
    kind = ref_kind_of_key(file.key) if file.key else BY_ID
    in_log = tables.key_reference(file.key) if file.key else "prediction_id"
    logged = f"select {in_log} from predictions" if tables.columns and in_log else "select ''"
    tables.connection.execute(
        f"""
        create table found as
        with one as (
            select ref, min(outcome) as outcome, count(distinct outcome) as outcomes
            from outcomes where valid and ref is not null group by ref
        )
        select one.ref, one.outcome, {text_literal(kind)} as ref_kind,
            case
                when one.outcomes > 1 then 'conflicting'
                when truth.outcome is null then 'new'
                when truth.outcome = one.outcome or {applied} then 'known'
                else 'corrected'
            end as state,
            one.ref in ({logged}) as matched
        from one
        left join truth on truth.ref_kind = {text_literal(kind)} and truth.ref = one.ref
        """
    )


def _count(tables: LogTables, total: int) -> TruthCounts:
    states = {
        str(state): int(count)
        for state, count in tables.connection.execute(
            "select state, count(*) from found group by state"
        ).fetchall()
    }
    matched = tables.count("found", "matched and state <> 'conflicting'")
    accepted = sum(states.get(state, 0) for state in ("new", "corrected", "known"))
    return TruthCounts(
        rows=total,
        rejected=tables.count("outcomes", "not valid or ref is null"),
        conflicting=states.get("conflicting", 0),
        new=states.get("new", 0),
        corrected=states.get("corrected", 0),
        known=states.get("known", 0),
        matched=matched,
        unmatched=accepted - matched,
    )


def _write(connection: duckdb.DuckDBPyConnection, store: Store, digest: str, changed: int) -> None:
    """Store the new and the corrected outcomes, in parts that fit in the memory."""
    received = time.time_ns() // 1000
    day = datetime.fromtimestamp(received / 1e6, UTC).date().isoformat()
    parts = -(-changed // _PART_ROWS)
    connection.execute(
        "create table stored as select ref_kind, ref, outcome, row_number() over () - 1 as number "
        "from found where state in ('new', 'corrected')"
    )
    for part in range(parts):
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            connection.execute(
                f"copy (select ref_kind, ref, outcome, {received}::bigint as received from stored "
                f"where number // {_PART_ROWS} = {part}) to {text_literal(file.name)} "
                "(format parquet, compression zstd)"
            )
            contents = Path(file.name).read_bytes()
        name = PartName("truth", day, f"{received}-{digest}-{part + 1}-of-{parts}.parquet")
        store.put(str(name), contents)


def _is_applied(store: Store, digest: str) -> bool:
    """Whether all parts of this file are stored."""
    found: dict[str, set[str]] = {}
    for name in store.names("truth"):
        received, _, rest = name.rpartition("/")[2].partition("-")
        if rest.startswith(f"{digest}-"):
            found.setdefault(received, set()).add(rest)
    return any(
        len(parts) == int(min(parts).removesuffix(".parquet").rpartition("-")[2])
        for parts in found.values()
    )


def _digest(file: OutcomeFile) -> str:
    """The identity of a file and of the way it is read."""
    digest = hashlib.sha256(repr((file.key, file.id_column, file.outcome)).encode())
    try:
        with file.path.open("rb") as opened:
            hashlib.file_digest(opened, lambda: digest)
    except OSError as error:
        raise TruthError(
            f"{file.path} cannot be read: {error.strerror}.",
            remedy="Give a CSV or Parquet file that exists.",
        ) from error
    return digest.hexdigest()[:32]
