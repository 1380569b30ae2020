"""A prediction log and its truth as tables of DuckDB."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from modelwatch.reporting.local_parts import local_parts
from modelwatch.reporting.sql import identifier, text_list
from modelwatch.schema import SHADOW, key_column
from modelwatch.store import Store

__all__ = ["LogTables", "open_tables", "reference"]

_MEMORY: Final = "1400MB"
_THREADS: Final = 2


class LogTables:
    """The tables of a log.

    Attributes:
        connection: A connection with the views ``predictions`` and ``truth``. ``predictions`` has
            the columns of the parts; ``truth`` has the current outcome (``outcome``) of each
            reference (``ref``) and kind of reference (``ref_kind``).
        columns: Types of the columns of ``predictions``; empty if the log has no parts.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, store: Store, folder: Path) -> None:
        self.connection = connection
        self._store = store
        self._folder = folder
        self.columns: dict[str, str] = {}

    def add_predictions(self, days: tuple[str, str] | None = None) -> None:
        """Create the view of the predictions of all days, or of the days from one to another."""
        paths = self._local("predictions", days)
        if paths:
            self._view("predictions", f"read_parquet({text_list(paths)}, union_by_name = true)")
            described = self.connection.execute("describe predictions").fetchall()
            self.columns = {str(row[0]): str(row[1]) for row in described}

    def add_shadow(self, days: tuple[str, str]) -> frozenset[str]:
        """Create the view ``shadow`` of the challenger's answers in some days; its columns.

        There is no view, and no column, if the log has no such answers.
        """
        paths = self._local(SHADOW, days)
        if not paths:
            return frozenset()
        self._view("shadow", f"read_parquet({text_list(paths)}, union_by_name = true)")
        described = self.connection.execute("describe shadow").fetchall()
        return frozenset(str(row[0]) for row in described)

    def add_truth(self) -> None:
        """Create the view of the current truth."""
        paths = self._local("truth", None)
        source = f"read_parquet({text_list(paths)})" if paths else _NO_TRUTH
        self._view(
            "truth",
            "(select ref_kind, ref, arg_max(outcome, received) as outcome "
            f"from {source} group by ref_kind, ref)",
        )

    def key_reference(self, names: tuple[str, ...]) -> str | None:
        """Expression of a business key's reference; None if the log has not all of its parts."""
        columns = [key_column(name) for name in names]
        if not all(column in self.columns for column in columns):
            return None
        return reference([f"cast({identifier(column)} as varchar)" for column in columns])

    def count(self, table: str, condition: str = "true") -> int:
        """The number of rows of a table that satisfy a condition."""
        query = f"select count(*) from {table} where {condition}"
        [(count,)] = self.connection.execute(query).fetchall()
        return int(count)

    def _view(self, name: str, source: str) -> None:
        self.connection.execute(f"create or replace view {name} as select * from {source}")

    def _local(self, table: str, days: tuple[str, str] | None) -> list[str]:
        return local_parts(
            self._store, table, days, folder=self._folder, connection=self.connection
        )


@contextmanager
def open_tables(store: Store) -> Iterator[LogTables]:
    """Open a log. It uses two threads and at most 1.4 GB of memory, and disk beyond.

    Raises:
        StoreError: The log cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="modelwatch-") as name:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "threads": str(_THREADS),
            "temp_directory": f"{name}/spilled",
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            # The statistics of a part do not count NaN: DuckDB would conclude that there is none.
            connection.execute("set disabled_optimizers = 'statistics_propagation'")
            try:
                yield LogTables(connection, store, Path(name))
            finally:
                store.close()


def reference(parts: list[str]) -> str:
    """Expression that joins the parts of a key to one text; null if a part is null."""
    return " || chr(31) || ".join(parts)


_NO_TRUTH: Final = (
    "(select '' as ref_kind, '' as ref, '' as outcome, 0::bigint as received where false)"
)
