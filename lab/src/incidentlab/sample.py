"""Generated customers for the experiments, in the form of the public churn table."""

import numpy as np
import pandas as pd
from scipy.special import expit

_ROWS = 10_000
_UNKNOWN = 0.09


def generate_customers(rows: int = _ROWS, *, seed: int = 42) -> pd.DataFrame:
    """Generate customers, of whom about one in five leaves.

    More leave in middle age, in Germany, with more than two products, and if they are not active.

    Args:
        rows: Number of customers.
        seed: Random seed.

    Returns:
        A table with the columns that the unguarded model reads. Some tenures are unknown (NaN),
        because the incidents of feature code concern these customers.
    """
    draw = np.random.default_rng(seed)
    country = draw.choice(3, size=rows, p=[0.5, 0.25, 0.25])
    woman = draw.random(rows) < 0.45  # noqa: PLR2004 - a share
    age = np.clip(18.0 + draw.gamma(4.0, 5.2, size=rows), 18, 92).astype(np.int64)
    products = draw.choice(4, size=rows, p=[0.508, 0.459, 0.027, 0.006]) + 1
    active = draw.integers(2, size=rows)
    balance = np.where(draw.random(rows) < 1 / 3, 0.0, draw.normal(120_000.0, 30_000.0, size=rows))
    tenure = draw.integers(11, size=rows).astype(np.float64)
    log_odds = (
        3.0 * np.exp(-(((age - 54.0) / 12.5) ** 2))
        + np.array([0.5, -1.0, 3.0, 6.0])[products - 1]
        + np.array([0.0, 0.0, 1.0])[country]
        + 0.5 * woman
        - 0.9 * active
        - 2.9
    )
    exited = (draw.random(rows) < expit(log_odds)).astype(np.int64)
    tenure[draw.random(rows) < _UNKNOWN] = np.nan
    return pd.DataFrame(
        {
            "CreditScore": np.clip(draw.normal(650.0, 97.0, size=rows), 350, 850).astype(np.int64),
            "Geography": np.array(["France", "Spain", "Germany"], dtype=object)[country],
            "Gender": np.where(woman, "Female", "Male"),
            "Age": age,
            "Tenure": tenure,
            "Balance": np.round(np.maximum(balance, 0.0), 2),
            "NumOfProducts": products,
            "HasCrCard": (draw.random(rows) < 0.7).astype(np.int64),  # noqa: PLR2004 - a share
            "IsActiveMember": active,
            "EstimatedSalary": np.round(draw.uniform(11.0, 200_000.0, size=rows), 2),
            "Exited": exited,
        }
    )
