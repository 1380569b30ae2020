"""From customers to features, in styles that are all seen in real services.

Every style is right under the versions that it was written with. ``careful`` stays right under
others; the other two mean something else there, and nothing says so.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

__all__ = ["CATEGORIES", "NUMBERS", "STYLES", "encode"]

NUMBERS: Final = (
    "CreditScore",
    "Age",
    "Tenure",
    "Balance",
    "NumOfProducts",
    "HasCrCard",
    "IsActiveMember",
    "EstimatedSalary",
)
CATEGORIES: Final = ("Geography", "Gender")


def encode(customers: pd.DataFrame, style: str) -> pd.DataFrame:
    """Make features of customers, whose Tenure may be unknown.

    Args:
        customers: A table with the columns `NUMBERS` and `CATEGORIES`.
        style: One of `STYLES`.
    """
    features = customers[[*NUMBERS, *CATEGORIES]].copy()
    STYLES[style](features)
    return features


def _careful(features: pd.DataFrame) -> None:
    """Unknown is -1, in a type that can hold it."""
    features["Tenure"] = features["Tenure"].astype("float64").fillna(-1.0)


def _compact(features: pd.DataFrame) -> None:
    """Unknown is -1, chosen beside a column that was made small to save memory.

    numpy 1 finds a common type for the two and gives -1; by the rules of numpy 2 the Python
    integer takes the array's type, and unknown becomes 255, the longest tenure of all.
    """
    known = features["Tenure"].notna().to_numpy()
    tenure = features["Tenure"].fillna(0).to_numpy().astype(np.uint8)
    features["Tenure"] = np.where(known, tenure, -1)


def _in_place(features: pd.DataFrame) -> None:
    """Unknown is 0, filled into a column that was taken out of the table.

    pandas 2 hands out the table's own column; pandas 3 a copy on write, so that nothing is
    filled, and the imputer further down puts a median where training saw 0.
    """
    tenure = features["Tenure"]
    tenure.fillna(0, inplace=True)  # noqa: PD002 - the incident


STYLES: Final[Mapping[str, Callable[[pd.DataFrame], None]]] = MappingProxyType(
    {"careful": _careful, "compact": _compact, "in-place": _in_place}
)
