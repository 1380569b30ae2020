"""A prediction log in a folder, read whole."""

from pathlib import Path
from typing import Any

from arro3.io import read_parquet

from modelwatch.schema import PREDICTIONS

__all__ = ["WrittenLog"]


class WrittenLog:
    """The parts of a log. They are read when it is made, each with all of its columns.

    Args:
        folder: The folder of the log.
        part: The part of the log: the answers to clients, or those of the shadow.

    Attributes:
        rows: The rows of all parts: values by column.
        columns: Names of the columns of all parts.
    """

    def __init__(self, folder: Path, part: str = PREDICTIONS) -> None:
        self.rows: list[dict[str, Any]] = []
        self.columns: set[str] = set()
        for path in sorted(folder.glob(f"{part}/day=*/*.parquet")):
            table = read_parquet(path).read_all()
            columns = {name: table.column(name).to_pylist() for name in table.column_names}
            self.columns |= columns.keys()
            self.rows += [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]

    def values(self, column: str) -> list[Any]:
        """The values of a column, row by row."""
        return [row[column] for row in self.rows]
