"""The feature matrix: one float32 column per input of a customer, in the order of `FEATURES`.

Every learner of the stack gets the same columns, so that each Shapley value belongs to a feature
that the business knows. The matrix is float32 because scikit-learn and XGBoost compare in float32,
LightGBM and the fast ensemble in float64: a value rounded to float32 falls on the same side
of a threshold in all of them.

Tables and requests first become *known values* (NaN where a value is unknown), then features.

All dtypes are explicit: nothing depends on numpy's type promotion, which changed in numpy 2
(NEP 50).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from bankchurn.arrays import Float32Array, Float64Array
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer

Matrix = Float32Array

_CODES: Final[dict[str, dict[str, float]]] = {
    column: {value: float(code) for code, value in enumerate(values)}
    for column, values in CATEGORIES.items()
}
_NULLABLE: Final = tuple(name for name, bounds in NUMBERS.items() if bounds.nullable)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


_CELLS: Final[tuple[tuple[str, Callable[[Any], float]], ...]] = tuple(
    (name, _CODES[name].__getitem__ if name in _CODES else _number) for name in FEATURES
)


def customers_to_frame(customers: Sequence[Customer]) -> pd.DataFrame:
    """Make a table of customers for the sealed pipeline."""
    return pd.DataFrame(
        {name: [getattr(customer, name) for customer in customers] for name in FEATURES}
    )


def customer_values(customers: Sequence[Customer]) -> Matrix:
    """The known values of validated customers.

    Returns:
        One row per customer, one column per feature: numbers, codes of levels, NaN if unknown.
    """
    rows = [[cell(getattr(customer, name)) for name, cell in _CELLS] for customer in customers]
    return np.array(rows, dtype=np.float32)


def table_values(table: pd.DataFrame) -> Matrix:
    """The known values of a validated table, as in `customer_values`.

    Raises:
        ValueError: A category has a level that is not declared.
    """
    matrix = np.empty((len(table), len(FEATURES)), dtype=np.float32)
    for index, name in enumerate(FEATURES):
        matrix[:, index] = _column(table, name)
    return matrix


class CustomerEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Turns a table of customers into the feature matrix.

    Categories become codes; an unknown number becomes the training median. Other columns of the
    table are ignored.

    Attributes:
        medians_: Training median of each column that may be unknown.
    """

    def fit(self, table: pd.DataFrame, target: object = None) -> Self:
        """Learn the medians."""
        del target
        self.medians_ = {name: _median(table, name) for name in _NULLABLE}
        return self

    def transform(self, table: pd.DataFrame) -> Matrix:
        """The feature matrix of a table."""
        return self.impute(table_values(table))

    def encode(self, customers: Sequence[Customer]) -> Matrix:
        """The feature matrix of validated customers."""
        return self.impute(customer_values(customers))

    def impute(self, values: Matrix) -> Matrix:
        """Turn known values into the feature matrix, in place."""
        for name, median in self.medians_.items():
            column = values[:, FEATURES.index(name)]
            column[np.isnan(column)] = np.float32(median)
        return values

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a pickled encoder; before 2026-11-28, only Tenure had a median."""
        state = dict(state)
        if "tenure_median_" in state:
            state["medians_"] = {"Tenure": state.pop("tenure_median_")}
        super().__setstate__(state)


def _median(table: pd.DataFrame, name: str) -> float:
    known = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
    known = known[~np.isnan(known)]
    if known.size == 0:
        raise ValueError(f"The training data has no known {name}. Give rows with it.")
    return float(np.median(known))


def _column(table: pd.DataFrame, name: str) -> Float64Array:
    if name not in CATEGORIES:
        return table[name].to_numpy(dtype=np.float64, na_value=np.nan)
    codes: Mapping[str, float] = _CODES[name]
    values = table[name].tolist()
    try:
        return np.array([codes[value] for value in values], dtype=np.float64)
    except KeyError as error:
        known = ", ".join(codes)
        raise ValueError(f"{name} has the undeclared value {error}; declared: {known}.") from error
