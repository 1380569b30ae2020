"""One row of a file of texts, and its error."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from servicekit.rows import RowError

from nlpinsight.text.normalisation import normalise

TEXT: Final = "text"
LABEL: Final = "label"

NOT_UTF8: Final = "UTF-8 (save the file as UTF-8; iconv -f WINDOWS-1252 -t UTF-8 converts most)"
_A_TEXT: Final = "a text with something to judge"
_SHOWN: Final = 40


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        number: Row number, counted from 1 without the header.
        cells: Column names and values, in the order of the file. Names of columns that are not
            required may be empty or repeated.
        error: Why the row is invalid; None if it is valid.
    """

    number: int
    cells: tuple[tuple[str, object], ...]
    error: RowError | None = None

    @cached_property
    def fields(self) -> dict[str, object]:
        """The cells by column name; of repeated names, the last."""
        return dict(self.cells)

    @property
    def text(self) -> str:
        """The text of a valid row."""
        return str(self.fields[TEXT])


def validate(row: Row, columns: tuple[str, ...], *, need_words: bool) -> Row:
    """Validate a row.

    Args:
        row: The row.
        columns: Required columns.
        need_words: Whether a text that is empty once normalised is an error.
    """
    error = row.error or _error(row, columns, need_words=need_words)
    return row if error is row.error else Row(row.number, row.cells, error)


def shorten(value: object) -> str:
    """A value for an error message, shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def unwritable(value: object) -> str | None:
    """What a value must be to be written; None if it can be written."""
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


def _error(row: Row, columns: tuple[str, ...], *, need_words: bool) -> RowError | None:
    for column in columns:
        if column not in row.fields:
            return RowError(column, row.number, "absent", "present")
    text = row.fields[TEXT]
    if not isinstance(text, str):
        return RowError(TEXT, row.number, shorten(text), "a string")
    for name, value in row.cells:
        if unwritable(name):
            return RowError(shorten(name), row.number, shorten(name), f"named in {NOT_UTF8}")
        if expected := unwritable(value):
            return RowError(name, row.number, shorten(value), expected)
    if not (normalise(text) if need_words else text.strip()):
        return RowError(TEXT, row.number, shorten(text), _A_TEXT)
    return None
