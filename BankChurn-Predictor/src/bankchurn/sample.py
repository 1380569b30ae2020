"""Sample data: synthetic customers in the form of the real table.

No row describes, or was made from, a real customer. Marginals and the mechanism of churn resemble
the published table, so that everything can be tried without data; metrics on this data say nothing
about any bank.

The log-odds of churn are a sum of: a bump over age with its top near 54; the number of products
(two keep a customer, three or four lose one); inactivity, more at a higher age; Germany; being a
woman; and a small effect of balance. About one in five customers leaves. An input of
`bankchurn.schema` that is not made here, or no longer as it is declared there, is uniform noise.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from bankchurn.arrays import Float64Array, Int64Array
from bankchurn.data.columns import read_column
from bankchurn.schema import CATEGORIES, CUSTOMER_ID, FEATURES, NUMBERS, TARGET

_FIRST_ID: Final = 15_565_701
_COUNTRIES: Final = ("France", "Spain", "Germany")
_GENDERS: Final = ("Female", "Male")
_SURNAMES: Final = ("Abel", "Brook", "Castell", "Dorn", "Elias", "Fabre", "Garcia", "Hale")
_MEN: Final = 0.546
_CARD_HOLDERS: Final = 0.7055
_PRODUCT_EFFECT: Final = np.array([0.5, -1.0, 3.0, 6.0], dtype=np.float64)
_COUNTRY_EFFECT: Final = np.array([0.0, 0.05, 1.0], dtype=np.float64)


def generate_sample(
    rows: int = 10_000, *, seed: int = 42, blank_share: float = 0.09
) -> pd.DataFrame:
    """Generate customers.

    Args:
        rows: Number of customers.
        seed: Random seed. The same seed gives the same table.
        blank_share: Share of unknown values in each column that may have them.

    Returns:
        A table with the columns of the real one, in their order. Numbers that may be unknown are
        float64.
    """
    draw = np.random.default_rng(seed)
    country = draw.choice(3, size=rows, p=[0.50, 0.25, 0.25])
    gender = (draw.random(rows) < _MEN).astype(np.int64)
    age = np.clip(18.0 + draw.gamma(4.0, 5.2, size=rows), 18, 92).astype(np.int64)
    products = draw.choice(4, size=rows, p=[0.508, 0.459, 0.027, 0.006])
    active = (draw.random(rows) < expit(0.06 + 0.015 * (age - 39))).astype(np.int64)
    tenure = draw.choice(11, size=rows, p=np.array([0.5, *[1.0] * 9, 0.5]) / 10).astype(np.float64)
    balance = _balance(draw, country, products)
    log_odds = (
        -3.2
        + 3.0 * np.exp(-(((age - 54.0) / 12.5) ** 2))
        + _PRODUCT_EFFECT[products]
        + _COUNTRY_EFFECT[country]
        + np.where(active == 0, 0.5 + 0.04 * np.maximum(age - 40.0, 0.0), -0.55)
        + np.where(gender == 0, 0.5, 0.0)
        + 0.1 * (balance / 100_000.0 - 0.75)
    )
    exited = (draw.random(rows) < expit(log_odds)).astype(np.int64)
    tenure[draw.random(rows) < blank_share] = np.nan
    identifiers = {
        "RowNumber": np.arange(1, rows + 1, dtype=np.int64),
        CUSTOMER_ID: _FIRST_ID + draw.permutation(rows),
        "Surname": draw.choice(np.array(_SURNAMES, dtype=object), size=rows),
    }
    made = {
        "CreditScore": np.clip(draw.normal(650.5, 96.7, size=rows), 350, 850).astype(np.int64),
        "Geography": np.array(_COUNTRIES, dtype=object)[country],
        "Gender": np.array(_GENDERS, dtype=object)[gender],
        "Age": age,
        "Tenure": tenure,
        "Balance": balance,
        "NumOfProducts": products + 1,
        "HasCrCard": (draw.random(rows) < _CARD_HOLDERS).astype(np.int64),
        "IsActiveMember": active,
        "EstimatedSalary": np.round(draw.uniform(11.0, 200_000.0, size=rows), 2),
    }
    features = {
        name: made[name] if _is_valid(made, name) else _noise(draw, name, rows, blank_share)
        for name in FEATURES
    }
    return pd.DataFrame({**identifiers, **features, TARGET: exited})


def _is_valid(made: Mapping[str, npt.NDArray[np.generic]], name: str) -> bool:
    return name in made and not read_column(pd.Series(made[name]), name).errors


def _noise(
    draw: np.random.Generator, name: str, rows: int, blank_share: float
) -> npt.NDArray[np.generic]:
    """A column without effect on churn: uniform levels, or numbers up to twice their example."""
    if name in CATEGORIES:
        return draw.choice(np.array(CATEGORIES[name], dtype=object), size=rows)
    bounds = NUMBERS[name]
    high = min(bounds.high, max(2 * bounds.example - bounds.low, bounds.low + 1))
    if bounds.whole:
        values = draw.integers(int(bounds.low), int(high), size=rows, endpoint=True)
    else:
        values = np.round(draw.uniform(bounds.low, high, size=rows), 2)
    if not bounds.nullable:
        return values
    return np.where(draw.random(rows) < blank_share, np.nan, values)


def _balance(draw: np.random.Generator, country: Int64Array, products: Int64Array) -> Float64Array:
    """Balances: never zero in Germany; elsewhere often zero, mostly so with two products."""
    amount = np.round(np.clip(draw.normal(119_800.0, 30_400.0, size=len(country)), 3_700, None), 2)
    chance_of_zero = np.array([0.24, 0.73, 0.57, 0.39], dtype=np.float64)[products]
    germany = _COUNTRIES.index("Germany")
    zero = (country != germany) & (draw.random(len(country)) < chance_of_zero)
    return np.where(zero, 0.0, amount)
