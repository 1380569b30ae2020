"""The parts of a log as Parquet files of this machine."""

from pathlib import Path
from typing import Final

import duckdb

from modelwatch.database.rows import Column
from modelwatch.database.store import DatabaseStore
from modelwatch.errors import StoreError
from modelwatch.reporting.sql import identifier, text_literal
from modelwatch.store import FileBasedStore, FolderStore, Store

__all__ = ["local_parts"]

Days = tuple[str, str] | None


def local_parts(
    store: Store, table: str, days: Days, *, folder: Path, connection: duckdb.DuckDBPyConnection
) -> list[str]:
    """The parts of a table. Those of a bucket or a database are copied, one after another.

    Args:
        store: The log.
        table: The table.
        days: First and last day; None for all.
        folder: Folder for copies.
        connection: What converts the rows of a database.

    Raises:
        StoreError: The log cannot be read.
    """
    if isinstance(store, DatabaseStore):
        return [
            _export(store, table, day, folder, connection)
            for day in store.days(table)
            if _is_within(day, days)
        ]
    names = [
        name
        for name in store.names(table)
        if name.endswith(".parquet") and _is_within(name.split("/")[1].removeprefix("day="), days)
    ]
    if isinstance(store, FolderStore):
        return [str(store.path / name) for name in names]
    assert isinstance(store, FileBasedStore)  # noqa: S101 - there is no other kind
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.read(name))
    return [str(folder / name) for name in names]


def _is_within(day: str, days: Days) -> bool:
    return days is None or days[0] <= day <= days[1]


def _export(
    store: DatabaseStore,
    table: str,
    day: str,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
) -> str:
    """A Parquet file with the rows of a day."""
    rows, target = folder / "exported.csv", folder / table / f"day={day}" / "exported.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with rows.open("wb") as file:
        columns = store.export(table, day, file)
    values = ", ".join(_value(column) for column in columns)
    read = ", ".join(
        f"{text_literal(one.name)}: {text_literal(_READ[one.type])}" for one in columns
    )
    try:
        connection.execute(
            f"copy (select {values} from read_csv({text_literal(str(rows))}, header = false, "
            # Without it, the ends of lines in texts may be taken for those of rows.
            r"""new_line = '\n', delim = ',', quote = '"', escape = '"', nullstr = '\N', """
            "allow_quoted_nulls = false, auto_detect = false, max_line_size = 100000000, "
            f"columns = {{{read}}})) to {text_literal(str(target))} (format parquet)"
        )
    except duckdb.Error as error:
        raise StoreError(
            f"{store.address}: the rows of {day} cannot be converted: {str(error).splitlines()[0]}",
            remedy="Check the space of the folder for temporary files.",
        ) from error
    rows.unlink()
    return str(target)


def _value(column: Column) -> str:
    name = identifier(column.name)
    if column.type == "timestamp with time zone":
        return f"make_timestamptz({name}) as {name}"
    if column.type == "text[]":
        return f"""from_json({name}, '["VARCHAR"]') as {name}"""
    return name


_READ: Final = {
    "timestamp with time zone": "BIGINT",
    "text[]": "VARCHAR",
    "double precision": "DOUBLE",
    "bigint": "BIGINT",
    "text": "VARCHAR",
}
