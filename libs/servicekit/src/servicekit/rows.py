"""Errors in the rows of a file: all are counted, some are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from servicekit.files import DataError

# A file with one wrong column has an error in every row: ten groups of five rows are what a
# person reads.
MAX_KINDS: Final = 10
MAX_ROWS: Final = 5


@dataclass(frozen=True)
class RowError:
    """One invalid value of a table.

    Attributes:
        column: The column.
        row: The row, counted from 1 without the header.
        value: The value as written.
        expected: What is expected instead.
    """

    column: str
    row: int
    value: str
    expected: str


class RowErrors:
    """Counts the errors of a table and keeps some examples, in bounded memory."""

    def __init__(self) -> None:
        self._rows = 0
        self._counts: dict[tuple[str, str], int] = {}
        self._examples: dict[tuple[str, str], list[RowError]] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._rows > 0

    def add(self, problems: Sequence[RowError]) -> None:
        """Add the errors of rows that were not added before."""
        self._rows += len({problem.row for problem in problems})
        for problem in problems:
            kind = (problem.column, problem.expected)
            self._counts[kind] = self._counts.get(kind, 0) + 1
            if self._counts[kind] <= MAX_ROWS:
                self._examples.setdefault(kind, []).append(problem)

    def refusal(self, source: Path) -> DataError:
        """One error for all of them."""
        lines = []
        for (column, expected), count in list(self._counts.items())[:MAX_KINDS]:
            examples = self._examples[column, expected]
            rows = ", ".join(f"row {one.row}: {one.value}" for one in examples)
            more = f" and {count - MAX_ROWS} more" if count > MAX_ROWS else ""
            lines.append(f"  column {column} must be {expected}; {rows}{more}")
        if len(self._counts) > MAX_KINDS:
            lines.append(f"  and {len(self._counts) - MAX_KINDS} more kinds of errors")
        return DataError(
            f"{source}: {self._rows} row{'s do' if self._rows != 1 else ' does'} not fit "
            "(rows are counted from 1, without the header):\n"
            + "\n".join(lines)
            + "\nCorrect or remove these rows and run the command again. Nothing was written."
        )
