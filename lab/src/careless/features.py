"""Makes features of customers, in three styles that real services use.

Every style is right with the versions that it was written for. ``careful`` is also right with
others; the other two give other results there, without a warning.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

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
    """Unknown is -1, in a type that holds it."""
    features["Tenure"] = features["Tenure"].astype("float64").fillna(-1.0)


def _compact(features: pd.DataFrame) -> None:
    """Unknown is -1, combined with a column of a small type that saves memory.

    numpy 1 chooses a common type and gives -1. By the rules of numpy 2 the Python integer takes the
    array's type, and unknown becomes 255, the longest tenure of all.
    """
    known = features["Tenure"].notna().to_numpy()
    tenure = features["Tenure"].fillna(0).to_numpy().astype(np.uint8)
    features["Tenure"] = np.where(known, tenure, -1)


def _in_place(features: pd.DataFrame) -> None:
    """Unknown is 0, filled into a column of the table.

    pandas 2 returns the table's own column. pandas 3 returns a copy on write, so that the table is
    not filled, and a later imputer puts a median where training saw 0.
    """
    tenure = features["Tenure"]
    tenure.fillna(0, inplace=True)  # noqa: PD002 - the incident


STYLES: Final[Mapping[str, Callable[[pd.DataFrame], None]]] = MappingProxyType(
    {"careful": _careful, "compact": _compact, "in-place": _in_place}
)
