"""Hourly demand with the shapes that matter, made in memory: no trips, no pipeline."""

import numpy as np
import pandas as pd

# Trips per hour of an average hour: downtown, the airports, some, few, and hardly any.
LEVELS = {8: 40.0, 32: 25.0, 76: 12.0, 28: 9.0, 6: 4.0, 41: 1.0, 3: 0.4, 54: 0.03}


def hourly(
    days: int = 84,
    *,
    start: str = "2025-01-01",
    seed: int = 1,
    levels: dict[int, float] | None = None,
) -> pd.DataFrame:
    """A complete grid of hours and areas, in the form of the pipeline's output."""
    random = np.random.default_rng(seed)
    hours = pd.date_range(start, periods=days * 24, freq="h")
    clock, weekday = hours.hour.to_numpy(), hours.dayofweek.to_numpy()
    daily = 0.15 + np.exp(-(((clock - 18) / 4.0) ** 2)) + 0.6 * np.exp(-(((clock - 8) / 2.0) ** 2))
    night = (np.isin(weekday, (4, 5)) & (clock >= 20)) | (np.isin(weekday, (5, 6)) & (clock <= 2))
    shape = daily * np.where(weekday >= 5, 0.7, 1.0) + 0.5 * night
    # The city's mood of a day: what the last days say about the next ones.
    mood = np.zeros(days)
    for day in range(1, days):
        mood[day] = 0.9 * mood[day - 1] + random.normal(0, 0.06)
    city = shape / shape.mean() * np.exp(np.repeat(mood, 24))
    parts = []
    for area, level in sorted((levels or LEVELS).items()):
        trips = random.poisson(level * city)
        fare = np.where(trips > 0, 10 + area / 10 + random.normal(0, 1, len(hours)), np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "hour": hours,
                    "area": np.int16(area),
                    "trips": trips.astype(np.int32),
                    "avg_fare": fare,
                    "avg_miles": fare / 4,
                }
            )
        )
    return pd.concat(parts).sort_values(["hour", "area"], ignore_index=True)
