"""Validates one column of a table.

Numbers in text, as in a CSV file or a Parquet column of strings, follow the grammar of
`servicekit.numbers`. Typed numbers of a Parquet file are used as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from servicekit.numbers import GRAMMAR, parse_number
from servicekit.rows import RowError

from bankchurn.arrays import BoolArray, Float64Array
from bankchurn.schema import CATEGORIES, NUMERIC_COLUMNS, TARGET, Bounds


@dataclass(frozen=True)
class Column:
    """A validated column.

    Attributes:
        canonical: The cells: int64 for whole numbers that must be known, float64 for other
            numbers, objects for levels. Meaningless if there are errors.
        errors: Every invalid cell.
    """

    canonical: "pd.Series[Any]"
    errors: list[RowError]


def read_column(cells: "pd.Series[Any]", name: str) -> Column:
    """Validate a column.

    Args:
        cells: The cells as read; the index counts rows.
        name: The column's name, a feature or the target.
    """
    if name in CATEGORIES:
        return _levels(cells, CATEGORIES[name])
    return _numbers(cells, name, NUMERIC_COLUMNS[name])


def _expected(name: str, bounds: Bounds, *, spelling: str = "") -> str:
    kind = "a whole number" if bounds.whole else "a number"
    values = f"{kind} from {bounds.low:,.0f} to {bounds.high:,.0f}"
    if name == TARGET:
        values = "0 (stayed) or 1 (left)"
    return f"{values}{spelling}{', or blank' if bounds.nullable else ''}"


_SPELLING: Final = f", written as {GRAMMAR}"


def _levels(cells: "pd.Series[Any]", levels: Sequence[str]) -> Column:
    known = set(levels)
    fits = np.array([isinstance(cell, str) and cell in known for cell in cells], dtype=np.bool_)
    return Column(cells.astype(object), _errors(cells, ~fits, f"one of {', '.join(levels)}"))


def _numbers(cells: "pd.Series[Any]", name: str, bounds: Bounds) -> Column:
    blank = cells.isna().to_numpy(dtype=np.bool_)
    numbers, not_number = _parse(cells, blank)
    # Comparisons with NaN are false, so a cell that is not a number is invalid.
    fits = (numbers >= bounds.low) & (numbers <= bounds.high)
    if bounds.whole:
        fits &= numbers == np.floor(numbers)
    if bounds.nullable:
        fits |= blank
    errors = _errors(cells, ~fits & ~not_number, _expected(name, bounds))
    errors += _errors(cells, not_number, _expected(name, bounds, spelling=_SPELLING))
    whole = bounds.whole and not bounds.nullable and not errors
    values = numbers.astype(np.int64) if whole else numbers
    return Column(pd.Series(values, index=cells.index), errors)


def _parse(cells: "pd.Series[Any]", blank: BoolArray) -> tuple[Float64Array, BoolArray]:
    """The cells as numbers (else NaN), and which cells are neither blank nor a number."""
    if is_numeric_dtype(cells.dtype) or is_bool_dtype(cells.dtype):
        numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers, np.zeros(len(cells), dtype=np.bool_)
    numbers = np.full(len(cells), np.nan, dtype=np.float64)
    # None becomes NaN.
    numbers[~blank] = [_number(cell) for cell in cells[~blank].tolist()]
    return numbers, np.isnan(numbers) & ~blank


def _number(cell: object) -> float | None:
    if isinstance(cell, str):
        return parse_number(cell)
    return float(cell) if isinstance(cell, int | float | Decimal) else None


def _errors(cells: "pd.Series[Any]", invalid: BoolArray, expected: str) -> list[RowError]:
    bad = cells[invalid]
    return [
        RowError(str(cells.name), int(str(row)), "blank" if blank else repr(str(value)), expected)
        for (row, value), blank in zip(bad.items(), bad.isna(), strict=True)
    ]
