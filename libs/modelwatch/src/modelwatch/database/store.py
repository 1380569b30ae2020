"""A store in PostgreSQL: each part is a transaction, and its rows are rows of a table."""

from typing import BinaryIO, Final

from pg8000.native import Connection, identifier, literal

from modelwatch.database.address import parse_address
from modelwatch.database.connection import Database
from modelwatch.database.rows import Column, Rows, read_rows
from modelwatch.database.tables import PARTS, columns_of, drop_days, prepare, qualified
from modelwatch.errors import StoreError
from modelwatch.part_name import PartName, parse_part_name

__all__ = ["DatabaseStore"]

_TIMEOUT_S: Final = 30.0


class DatabaseStore:
    """A schema of a database, which is created when it is first written.

    The name of a part is written with its rows, in one transaction, so that a part is there once
    however often it is tried, even if it is unknown whether an earlier try was committed.

    Not for several threads at once.

    Args:
        address: ``postgresql://user:password@host:port/database?schema=name``.
        timeout_s: Seconds that the server may be silent.

    Raises:
        PlaceError: The address is not valid.
    """

    def __init__(self, address: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        parsed = parse_address(address)
        self.address = str(parsed)
        self._schema = parsed.schema
        self._database = Database(parsed, timeout_s=timeout_s)

    def put(self, name: str, contents: bytes) -> None:
        """Write the rows of a part, all or none. A part whose name is there is not written."""
        part = parse_part_name(name)
        if part is None:
            raise StoreError(f"{name} is not the name of a part.", remedy="Report this as a bug.")
        table, day, file = part

        def write(connection: Connection) -> None:
            rows = read_rows(contents, day)
            prepare(connection, self._schema, table, day, rows.columns)
            # Waits for an earlier try whose transaction is still open.
            connection.run(
                f"insert into {qualified(self._schema, PARTS)} (table_name, day, name, rows) "  # noqa: S608
                "values (:table, :day, :name, :rows) on conflict do nothing",
                table=table,
                day=day,
                name=file,
                rows=rows.rows,
            )
            if connection.row_count:
                self._copy(connection, table, rows)

        self._database.run(write)

    def names(self, table: str) -> list[str]:
        """The names of the parts of a table, sorted."""
        found = self._parts(table, "day, name", "day, name")
        return [str(PartName(table, str(day), str(name))) for day, name in found]

    def days(self, table: str) -> list[str]:
        """The days of a table that have rows, sorted.

        Raises:
            StoreError: The database cannot be read.
        """
        return [str(day) for (day,) in self._parts(table, "distinct day", "day")]

    def delete_before(self, table: str, day: str) -> None:
        """Delete the parts of a table of all days before one."""
        self._database.run(lambda connection: drop_days(connection, self._schema, table, day))

    def export(self, table: str, day: str, file: BinaryIO) -> tuple[Column, ...]:
        r"""Write the rows of a day as CSV, in any order, without holding them in memory.

        There is no header, null is ``\N``, times are microseconds since 1970, and lists are JSON.

        Returns:
            The columns of the file.

        Raises:
            StoreError: The database cannot be read.
        """

        def read(connection: Connection) -> tuple[Column, ...]:
            columns = columns_of(connection, self._schema, table)
            values = ", ".join(
                _EXPORTED.get(one.type, "{}").format(identifier(one.name)) for one in columns
            )
            connection.run(
                f"copy (select {values} from {qualified(self._schema, table)} "  # noqa: S608
                f"where day = {literal(day)}) to stdout (format csv, null '\\N')",
                stream=file,
            )
            return columns

        return self._database.run(read, read=True)

    def close(self) -> None:
        """End the connection. It is made again when it is needed."""
        self._database.close()

    def _copy(self, connection: Connection, table: str, rows: Rows) -> None:
        names = ", ".join(identifier(name) for name in ("day", *(one.name for one in rows.columns)))
        connection.run(
            f"copy {qualified(self._schema, table)} ({names}) from stdin", stream=rows.chunks
        )

    def _parts(self, table: str, columns: str, order: str) -> list[list[object]]:
        def read(connection: Connection) -> list[list[object]]:
            if not columns_of(connection, self._schema, PARTS):
                return []
            found: list[list[object]] = connection.run(
                f"select {columns} from {qualified(self._schema, PARTS)} "  # noqa: S608
                f"where table_name = :table order by {order}",
                table=table,
            )
            return found

        return self._database.run(read, read=True)


_EXPORTED: Final = {
    "timestamp with time zone": "cast(extract(epoch from {}) * 1000000 as bigint)",
    "text[]": "array_to_json({})",
}
