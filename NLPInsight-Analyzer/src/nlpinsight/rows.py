"""One row of a file of texts, and what makes it unusable."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from servicekit.rows import RowError

from nlpinsight.text import normalise

__all__ = ["LABEL", "NOT_UTF8", "TEXT", "Row", "checked", "shown", "unwritable"]

TEXT: Final = "text"
LABEL: Final = "label"

NOT_UTF8: Final = "UTF-8 (save the file as UTF-8; iconv -f WINDOWS-1252 -t UTF-8 converts most)"
_A_TEXT: Final = "a text with something to judge"
_SHOWN: Final = 40


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        number: Counted from 1, without the header.
        cells: What is in it: the name of each column and its value, in the order of the file. A
            name may be empty, or occur twice, if it is not one that is needed.
        problem: What is wrong with it, if anything.
    """

    number: int
    cells: tuple[tuple[str, object], ...]
    problem: RowError | None = None

    @cached_property
    def fields(self) -> dict[str, object]:
        """The cells by the names of their columns; of two with one name, the last."""
        return dict(self.cells)

    @property
    def text(self) -> str:
        """The text of a row without a problem."""
        return str(self.fields[TEXT])


def checked(row: Row, columns: tuple[str, ...], *, need_words: bool) -> Row:
    """The row, with its problem if it has one.

    Args:
        row: The row.
        columns: The columns that it must have.
        need_words: Whether a text that holds something, but nothing to judge, is a problem.
    """
    problem = row.problem or _problem(row, columns, need_words=need_words)
    return row if problem is row.problem else Row(row.number, row.cells, problem)


def shown(value: object) -> str:
    """A value for an error message, shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def unwritable(value: object) -> str | None:
    """What a value would have to be to be written; None where it can be."""
    try:
        if not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False, allow_nan=False)
        value.encode()
    except UnicodeEncodeError:
        return NOT_UTF8
    except RecursionError:
        return "nested less deeply"
    except ValueError:
        return "a finite number"
    return None


def _problem(row: Row, columns: tuple[str, ...], *, need_words: bool) -> RowError | None:
    for column in columns:
        if column not in row.fields:
            return RowError(column, row.number, "absent", "there")
    text = row.fields[TEXT]
    if not isinstance(text, str):
        return RowError(TEXT, row.number, shown(text), "a string")
    for name, value in row.cells:
        if unwritable(name):
            return RowError(shown(name), row.number, shown(name), f"named in {NOT_UTF8}")
        if expected := unwritable(value):
            return RowError(name, row.number, shown(value), expected)
    if not (normalise(text) if need_words else text.strip()):
        return RowError(TEXT, row.number, shown(text), _A_TEXT)
    return None
