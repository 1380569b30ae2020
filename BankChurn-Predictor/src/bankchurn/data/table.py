"""Reads, validates and fingerprints a table of customers.

A table has the columns of `FEATURES`, in any order; training and evaluation also need `TARGET`.
Other columns are ignored. Errors name the file, the column, the rows (counted from 1, without the
header), the values and the remedy.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from servicekit.files import DataError
from servicekit.rows import RowError, RowErrors

from bankchurn.data.columns import read_column
from bankchurn.data.table_files import read_chunks, read_header, repeated
from bankchurn.schema import CUSTOMER_ID, FEATURES, IDENTIFIERS, TARGET

MAX_REPEATS: Final = 5


def load_table(path: Path, *, need_target: bool = True, for_training: bool = False) -> pd.DataFrame:
    """Read and validate a whole table.

    Args:
        path: A CSV or Parquet file.
        need_target: Whether the target is required; otherwise it is ignored.
        for_training: Whether to refuse repeated customers, which could be both trained on and
            held out.

    Returns:
        The features, and the target if required, in canonical order and dtypes.

    Raises:
        DataError: The file cannot be read, or its contents are invalid.
    """
    check_columns(read_header(path), source=path, need_target=need_target)
    # Other columns may hold anything and take memory.
    chunks = list(read_chunks(path, columns={*FEATURES, TARGET, CUSTOMER_ID}))
    raw = pd.concat(chunks) if len(chunks) > 1 else chunks[0]
    table, found = validate_rows(raw, need_target=need_target)
    errors = RowErrors()
    errors.add(found)
    again = _repeats(raw, path) if for_training else None
    if errors and again:
        raise DataError(f"{errors.refusal(path)}\n{again}")
    if errors:
        raise errors.refusal(path)
    if again:
        raise again
    return table


def check_columns(columns: Sequence[str], *, source: Path, need_target: bool) -> None:
    """Refuse a table that lacks a column or has one twice.

    Raises:
        DataError: A column is missing or repeated; the message names all of them, and columns
            with similar names.
    """
    required = [*FEATURES, *([TARGET] if need_target else [])]
    missing = [name for name in required if name not in columns]
    if missing:
        hints = [
            f"Rename {' or '.join(map(repr, near))} to {name}. "
            for name in missing
            if (near := [other for other in columns if _plain(other) == _plain(name)])
        ]
        raise DataError(
            f"{source}: the table lacks the column{_s(missing)} {', '.join(missing)}. "
            f"{''.join(hints)}It must have {', '.join(required)}; other columns are ignored."
        )
    twice = [name for name in repeated(list(columns)) if name in {*required, CUSTOMER_ID}]
    if twice:
        raise DataError(
            f"{source}: the header names {', '.join(map(repr, twice))} more than once. Keep one "
            "column of each name."
        )


def ignored_columns(path: Path) -> list[str]:
    """The names of a table's columns that training ignores."""
    used = {*FEATURES, *IDENTIFIERS, TARGET}
    return [name for name in read_header(path) if name not in used]


def validate_rows(raw: pd.DataFrame, *, need_target: bool) -> tuple[pd.DataFrame, list[RowError]]:
    """Validate the rows of a table whose columns were checked.

    Args:
        raw: Rows as read; the index counts them.
        need_target: Whether to validate the target, too.

    Returns:
        The table in canonical order and dtypes (meaningless if there are errors), and every
        invalid value.
    """
    names = [*FEATURES, *([TARGET] if need_target else [])]
    columns = {name: read_column(raw[name], name) for name in names}
    found = [error for column in columns.values() for error in column.errors]
    found.sort(key=lambda one: (one.row, one.column))
    return pd.DataFrame({name: column.canonical for name, column in columns.items()}), found


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of a validated table: the same rows give the same digest in any file format."""
    return hashlib.sha256(_canonical_text(table).encode()).hexdigest()


def canonical_rows(table: pd.DataFrame) -> list[str]:
    """Each row of a validated table as text: equal rows give equal texts in any file format."""
    return _canonical_text(table).splitlines()[1:]


def write_table(table: pd.DataFrame) -> bytes:
    """A validated table as CSV: `load_table` gives the same table with the same fingerprint."""
    return _canonical_text(table).encode()


def _canonical_text(table: pd.DataFrame) -> str:
    text: str = table.to_csv(index=False, lineterminator="\n", float_format=repr)
    return text


def _repeats(raw: pd.DataFrame, path: Path) -> DataError | None:
    """The error for repeated identifiers; unknown ones equal no others."""
    if CUSTOMER_ID not in raw:
        return None
    known = raw[CUSTOMER_ID].dropna()
    again = known[known.duplicated(keep="first")]
    if again.empty:
        return None
    shown = ", ".join(
        f"row {row}: {str(value)!r}" for row, value in again.head(MAX_REPEATS).items()
    )
    more = f" and {len(again) - MAX_REPEATS:,} more" if len(again) > MAX_REPEATS else ""
    return DataError(
        f"{path}: {CUSTOMER_ID} occurs again in {len(again):,} row{_s(again)}; {shown}{more}\n"
        "A customer that is both trained on and held out makes the metrics too good. Keep one row "
        f"per customer; if {CUSTOMER_ID} does not identify customers, remove the column: nothing "
        "else uses it."
    )


def _plain(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return re.sub(r"[\W_]", "", name).casefold()


def _s(items: "Sequence[str] | pd.Series[Any]") -> str:
    return "s" if len(items) > 1 else ""
