"""The feature matrix: one float32 column per business feature, in the order of `FEATURES`.

Every learner of the stack sees the same ten columns, so that a Shapley value belongs to a
feature that the business knows. The matrix is float32 on purpose: scikit-learn and XGBoost
compare in float32 anyway, LightGBM and treelite in float64, and a value that is already rounded
to float32 falls on the same side of a threshold in all four.

Every dtype is written out. Mixed integer and scalar arithmetic changed its meaning in numpy 2
(NEP 50); nothing here depends on promotion.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from bankchurn.schema import CATEGORIES, FEATURES, Customer

__all__ = ["CustomerEncoder", "Matrix", "customers_to_frame"]

Matrix = npt.NDArray[np.float32]

_CODES: Final[dict[str, dict[str, float]]] = {
    column: {value: float(code) for code, value in enumerate(values)}
    for column, values in CATEGORIES.items()
}
_TENURE: Final = FEATURES.index("Tenure")


def customers_to_frame(customers: Sequence[Customer]) -> pd.DataFrame:
    """Customers as the table that the sealed pipeline takes."""
    return pd.DataFrame(
        {name: [getattr(customer, name) for customer in customers] for name in FEATURES}
    )


class CustomerEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Turns a table of customers into the feature matrix.

    Geography and Gender become their codes, an unknown Tenure becomes the median of the Tenures
    that training knew. Other columns of the table are ignored.

    Attributes:
        tenure_median_: The median Tenure of the training data.
    """

    def fit(self, table: pd.DataFrame, target: object = None) -> Self:
        """Learn the median Tenure."""
        del target
        known = table["Tenure"].to_numpy(dtype=np.float64, na_value=np.nan)
        known = known[~np.isnan(known)]
        if known.size == 0:
            raise ValueError("The training data has no Tenure at all; at least one must be known.")
        self.tenure_median_ = float(np.median(known))
        return self

    def transform(self, table: pd.DataFrame) -> Matrix:
        """The feature matrix of a table."""
        matrix = np.empty((len(table), len(FEATURES)), dtype=np.float32)
        for index, name in enumerate(FEATURES):
            matrix[:, index] = _column(table, name)
        return self._impute(matrix)

    def encode(self, customers: Sequence[Customer]) -> Matrix:
        """The feature matrix of validated customers, without the detour of a table."""
        return self._impute(np.array([_row(customer) for customer in customers], dtype=np.float32))

    def _impute(self, matrix: Matrix) -> Matrix:
        tenure = matrix[:, _TENURE]
        tenure[np.isnan(tenure)] = np.float32(self.tenure_median_)
        return matrix


def _row(customer: Customer) -> tuple[float, ...]:
    tenure = customer.Tenure
    return (
        customer.CreditScore,
        _CODES["Geography"][customer.Geography],
        _CODES["Gender"][customer.Gender],
        customer.Age,
        np.nan if tenure is None else tenure,
        customer.Balance,
        customer.NumOfProducts,
        customer.HasCrCard,
        customer.IsActiveMember,
        customer.EstimatedSalary,
    )


def _column(table: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    if name not in CATEGORIES:
        return table[name].to_numpy(dtype=np.float64, na_value=np.nan)
    codes: Mapping[str, float] = _CODES[name]
    values = table[name].tolist()
    try:
        return np.array([codes[value] for value in values], dtype=np.float64)
    except KeyError as error:
        known = ", ".join(codes)
        raise ValueError(f"{name} has the unknown value {error}; known are {known}.") from error
