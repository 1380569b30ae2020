"""The table of customers: read, validated, fingerprinted.

A table has the columns of `FEATURES`, in any order; ``Exited`` is needed to train and to measure.
Other columns are ignored, whatever their name. What only a training needs is checked for a
training only. What does not fit is refused with the file, the column, the rows (counted from 1,
without the header), the values and what to do.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from servicekit.rows import RowError, RowErrors

from bankchurn.columns import read_column
from bankchurn.schema import CUSTOMER_ID, FEATURES, IDENTIFIERS, TARGET
from bankchurn.tables import DataError, read_chunks, read_header, repeated

__all__ = [
    "canonical_rows",
    "check_columns",
    "find_problems",
    "fingerprint",
    "ignored_columns",
    "load_table",
]

MAX_REPEATS: Final = 5


def load_table(path: Path, *, need_target: bool = True, for_training: bool = False) -> pd.DataFrame:
    """Read and validate a whole table.

    Args:
        path: A CSV or Parquet file.
        need_target: Whether ``Exited`` must be there; otherwise it is ignored.
        for_training: Whether no customer may occur twice: one that is learned from must not be
            held out as well.

    Returns:
        The features, and the target where it is needed, in canonical order and dtypes.

    Raises:
        DataError: The file cannot be read, or what it holds does not fit.
    """
    check_columns(read_header(path), source=path, need_target=need_target)
    # Only what is used: other columns may hold anything, and take memory.
    chunks = list(read_chunks(path, columns={*FEATURES, TARGET, CUSTOMER_ID}))
    raw = pd.concat(chunks) if len(chunks) > 1 else chunks[0]
    table, found = find_problems(raw, need_target=need_target)
    problems = RowErrors()
    problems.add(found)
    again = _repeats(raw, path) if for_training else None
    if problems and again:
        raise DataError(f"{problems.refusal(path)}\n{again}")
    if problems:
        raise problems.refusal(path)
    if again:
        raise again
    return table


def check_columns(columns: Sequence[str], *, source: Path, need_target: bool) -> None:
    """Refuse a table that lacks a column, or has one twice.

    Raises:
        DataError: The message names all of them, and columns whose names are nearly right.
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
    """The names of a table's columns that a training does not look at."""
    used = {*FEATURES, *IDENTIFIERS, TARGET}
    return [name for name in read_header(path) if name not in used]


def find_problems(raw: pd.DataFrame, *, need_target: bool) -> tuple[pd.DataFrame, list[RowError]]:
    """Validate the rows of a table whose columns are already known to be right.

    Args:
        raw: Rows as they were read; the index counts them.
        need_target: Whether the target is validated, too.

    Returns:
        The table in canonical order and dtypes (meaningless where there are problems), and every
        value that does not fit.
    """
    names = [*FEATURES, *([TARGET] if need_target else [])]
    columns = {name: read_column(raw[name], name) for name in names}
    found = [problem for column in columns.values() for problem in column.problems]
    found.sort(key=lambda one: (one.row, one.column))
    return pd.DataFrame({name: column.canonical for name, column in columns.items()}), found


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of a validated table: the same rows give the same digest, whatever file held them."""
    return hashlib.sha256(_canonical_text(table).encode()).hexdigest()


def canonical_rows(table: pd.DataFrame) -> list[str]:
    """Each row of a validated table as text: equal rows are equal, whatever file held them."""
    return _canonical_text(table).splitlines()[1:]


def _canonical_text(table: pd.DataFrame) -> str:
    text: str = table.to_csv(index=False, lineterminator="\n", float_format=repr)
    return text


def _repeats(raw: pd.DataFrame, path: Path) -> DataError | None:
    """The error for a column of identifiers that repeat; an unknown one equals no other."""
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
        "A customer that is both trained on and held out makes the figures too good. Keep one row "
        f"per customer; if {CUSTOMER_ID} does not identify customers, remove the column, which is "
        "used for nothing else."
    )


def _plain(name: str) -> str:
    """A name without what people write differently: case, spaces and punctuation."""
    return re.sub(r"[\W_]", "", name).casefold()


def _s(items: "Sequence[str] | pd.Series[Any]") -> str:
    return "s" if len(items) > 1 else ""
