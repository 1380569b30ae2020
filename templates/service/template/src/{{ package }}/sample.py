"""Sample data: synthetic transactions, so that everything can be tried without data.

The log-odds of a dispute are a sum of: the logarithm of the amount; the hours of the night; a new
account; and the channel. About one in five transactions is disputed. No row describes a real
transaction, and metrics on this data say nothing about any. An input of `Record` that is not made
here is uniform noise.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from {{ package }}.arrays import Float64Array, Int64Array
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS, Record

SAMPLE_ROWS: Final = 10_000

_CHANNELS: Final = ("web", "app", "phone")
_CHANNEL_EFFECT: Final = np.array([0.0, -0.4, 0.9], dtype=np.float64)
_MORNING: Final = 6
_UNKNOWN: Final = 0.05


def generate_sample(
    rows: int = SAMPLE_ROWS, *, seed: int = 42
) -> tuple[list[Record], Int64Array]:
    """Generate transactions. The same seed gives the same transactions.

    Args:
        rows: Number of transactions.
        seed: Random seed.

    Returns:
        The records, and 1 for each that is disputed, else 0.
    """
    draw = np.random.default_rng(seed)
    amount = np.round(draw.lognormal(3.8, 0.9, size=rows), 2)
    hour = draw.integers(0, 24, size=rows)
    account_days = np.floor(draw.exponential(400.0, size=rows))
    channel = draw.choice(3, size=rows, p=[0.5, 0.4, 0.1])
    log_odds = (
        -1.2
        + 1.2 * (np.log1p(amount) - 3.8)
        + np.where(hour < _MORNING, 1.5, 0.0)
        - 1.0 * np.log1p(account_days / 200.0)
        + _CHANNEL_EFFECT[channel]
    )
    disputed = (draw.random(rows) < 1.0 / (1.0 + np.exp(-log_odds))).astype(np.int64)
    account_days[draw.random(rows) < _UNKNOWN] = np.nan
    made: dict[str, npt.NDArray[np.generic]] = {
        "amount": amount,
        "hour": hour,
        "items": draw.geometric(0.4, size=rows),
        "account_days": account_days,
        "channel": np.array(_CHANNELS, dtype=object)[channel],
    }
    columns = {
        name: _values(name, made[name] if name in made else _noise(draw, name, rows))
        for name in FEATURES
    }
    records = [
        Record.model_validate(dict(zip(columns, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]
    return records, disputed


def _values(name: str, column: npt.NDArray[np.generic]) -> list[object]:
    """A column as values of a record: text, float, int, or None where it is unknown."""
    if name in CATEGORIES:
        return list(column.tolist())
    kind = int if NUMBERS[name].whole else float
    return [None if np.isnan(value) else kind(value) for value in column.tolist()]


def _noise(draw: np.random.Generator, name: str, rows: int) -> npt.NDArray[np.generic]:
    """A column without effect: any level, or numbers up to about twice their example."""
    if name in CATEGORIES:
        return draw.choice(np.array(CATEGORIES[name], dtype=object), size=rows)
    number = NUMBERS[name]
    high = min(number.high, max(2 * number.example - number.low, number.low + 1))
    values: Float64Array = np.round(draw.uniform(number.low, high, size=rows), 2)
    if number.nullable:
        values[draw.random(rows) < _UNKNOWN] = np.nan
    return values
