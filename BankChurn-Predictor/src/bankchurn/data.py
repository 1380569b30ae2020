"""The table of customers: read, validated, fingerprinted.

A table has the columns of the well-known churn table. ``RowNumber``, ``CustomerId`` and
``Surname`` may be missing; ``Tenure`` may have blanks; ``Exited`` is needed to train and to
measure. What only a training needs is checked for a training only.
What does not fit is refused with the file, the column, the rows (counted from 1, without the
header), the values and what to do.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from servicekit.rows import Problem, Problems

from bankchurn.schema import CATEGORIES, FEATURES, IDENTIFIERS, NUMBERS, TARGET, Bounds
from bankchurn.tables import DataError, read_chunks

__all__ = ["check_columns", "find_problems", "fingerprint", "load_table"]

CUSTOMER_ID: Final = "CustomerId"

# More names than a person reads.
MAX_NAMES: Final = 10


def load_table(path: Path, *, need_target: bool = True, for_training: bool = False) -> pd.DataFrame:
    """Read and validate a whole table.

    Args:
        path: A CSV or Parquet file.
        need_target: Whether ``Exited`` must be there.
        for_training: Whether no customer may occur twice: one that is learned from must not be
            held out as well.

    Returns:
        The features, and the target where it is there, in canonical order and dtypes.

    Raises:
        DataError: The file cannot be read, or what it holds does not fit.
    """
    chunks = list(read_chunks(path))
    raw = pd.concat(chunks) if len(chunks) > 1 else chunks[0]
    check_columns(raw.columns.tolist(), source=path, need_target=need_target)
    table, found = find_problems(raw)
    if for_training and CUSTOMER_ID in raw:
        found += _duplicates(raw[CUSTOMER_ID])
    problems = Problems()
    problems.add(found)
    if problems:
        raise problems.refusal(path)
    return table


def check_columns(columns: Sequence[str], *, source: Path, need_target: bool) -> None:
    """Refuse a table whose columns are not those of the churn table.

    Raises:
        DataError: Columns are missing or unknown; the message names them all.
    """
    required = [*FEATURES, *([TARGET] if need_target else [])]
    missing = [name for name in required if name not in columns]
    unknown = [name for name in columns if name not in {*FEATURES, *IDENTIFIERS, TARGET}]
    if not missing and not unknown:
        return
    parts = []
    if missing:
        parts.append(f"lacks the column{_s(missing)} {', '.join(missing)}")
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:MAX_NAMES])
        parts.append(f"has the unknown column{_s(unknown)} {shown}")
    raise DataError(
        f"{source}: the table {' and '.join(parts)}. Rename or remove columns so that they are "
        f"{', '.join(required)}, separated by commas; {', '.join(IDENTIFIERS)} may be there, too."
    )


def find_problems(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Validate the rows of a table whose columns are already known to be right.

    Args:
        raw: Rows as they were read; the index counts them.

    Returns:
        The table in canonical order and dtypes (meaningless where there are problems), and every
        value that does not fit.
    """
    names = [*FEATURES, *([TARGET] if TARGET in raw else [])]
    candidate = raw[names]
    try:
        valid = _schema(TARGET in raw).validate(candidate, lazy=True)
    except SchemaErrors as errors:
        return candidate, _problems(errors.failure_cases, raw)
    return _canonical(valid), []


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of a validated table: the same rows give the same digest, whatever file held them."""
    text = table.to_csv(index=False, lineterminator="\n", float_format=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _expected(bounds: Bounds) -> str:
    kind = "a whole number" if bounds.whole else "a number"
    blank = ", or blank" if bounds.nullable else ""
    return f"{kind} from {bounds.low:,.0f} to {bounds.high:,.0f}{blank}"


_EXPECTED: Final = {
    **{name: _expected(bounds) for name, bounds in NUMBERS.items()},
    **{name: f"one of {', '.join(values)}" for name, values in CATEGORIES.items()},
    TARGET: "0 (stayed) or 1 (left)",
}


@cache
def _schema(has_target: bool) -> pa.DataFrameSchema:
    columns = {
        name: _number(bounds) if (bounds := NUMBERS.get(name)) else _category(CATEGORIES[name])
        for name in FEATURES
    }
    if has_target:
        columns[TARGET] = _number(Bounds(0, 1))
    return pa.DataFrameSchema(columns)


def _number(bounds: Bounds) -> pa.Column:
    # Both ends in one check, which infinities fail; NaN is what `nullable` is about.
    checks = [pa.Check.in_range(bounds.low, bounds.high)]
    if bounds.whole:
        checks.append(pa.Check(lambda values: values == np.floor(values), name="whole"))
    return pa.Column("float64", checks, nullable=bounds.nullable, coerce=True)


def _category(values: Sequence[str]) -> pa.Column:
    return pa.Column("object", pa.Check.isin(values), nullable=False, coerce=True)


def _problems(cases: pd.DataFrame, raw: pd.DataFrame) -> list[Problem]:
    found: dict[tuple[str, int], Problem] = {}
    for column, row in zip(cases["column"], cases["index"], strict=True):
        # A column that could not be coerced is also reported as being of the wrong dtype, with
        # no row; the rows that caused it are in the list as well.
        if row is None or pd.isna(row):
            continue
        value = raw.at[row, column]  # noqa: PD008 - labels, one cell
        shown = "blank" if pd.isna(value) else repr(str(value))
        found.setdefault(
            (column, int(row)), Problem(column, int(row), shown, _EXPECTED[str(column)])
        )
    return sorted(found.values(), key=lambda one: (one.row, one.column))


def _duplicates(identifiers: "pd.Series[Any]") -> list[Problem]:
    # An identifier that is not known is not the same as another that is not known.
    known = identifiers.dropna()
    again = known[known.duplicated(keep="first")]
    return [
        Problem(CUSTOMER_ID, int(str(row)), repr(str(value)), "different in every row")
        for row, value in again.items()
    ]


def _canonical(table: pd.DataFrame) -> pd.DataFrame:
    whole = {name: "int64" for name, bounds in NUMBERS.items() if bounds.whole}
    # A float, because it may be unknown; the same dtype whether or not any value is.
    whole["Tenure"] = "float64"
    if TARGET in table:
        whole[TARGET] = "int64"
    return table.astype(whole)


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) > 1 else ""
