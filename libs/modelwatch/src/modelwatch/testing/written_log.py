"""A prediction log, read whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arro3.io import read_parquet
from pg8000.native import Connection

from modelwatch.database.address import is_database, parse_address
from modelwatch.database.connection import Database
from modelwatch.database.tables import columns_of, qualified
from modelwatch.schema import PREDICTIONS

__all__ = ["WrittenLog"]


class WrittenLog:
    """The rows of a log. They are read when it is made, each with all of its columns.

    Args:
        address: A folder, or a database.
        part: The part of the log: the answers to clients, or those of the shadow.

    Attributes:
        rows: The rows of all parts: values by column.
        columns: Names of the columns of all parts.
    """

    def __init__(self, address: str | Path, part: str = PREDICTIONS) -> None:
        self.rows: list[dict[str, Any]] = []
        self.columns: set[str] = set()
        if is_database(str(address)):
            self._read_database(str(address), part)
            return
        for path in sorted(Path(address).glob(f"{part}/day=*/*.parquet")):
            table = read_parquet(path).read_all()
            self._add({name: list(table.column(name).to_pylist()) for name in table.column_names})

    def values(self, column: str) -> list[Any]:
        """The values of a column, row by row."""
        return [row[column] for row in self.rows]

    def _read_database(self, address: str, part: str) -> None:
        parsed = parse_address(address)
        table = qualified(parsed.schema, part)

        def read(connection: Connection) -> None:
            names = [one.name for one in columns_of(connection, parsed.schema, part)]
            # The day is the first column.
            rows = [row[1:] for row in connection.run(f"select * from {table}")]  # noqa: S608
            columns = zip(*rows, strict=True) if rows else [()] * len(names)
            self._add(dict(zip(names, map(list, columns), strict=True)))

        database = Database(parsed, timeout_s=60)
        try:
            database.run(read, read=True)
        finally:
            database.close()

    def _add(self, columns: Mapping[str, list[Any]]) -> None:
        self.columns |= columns.keys()
        self.rows += [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
