"""The trees: a factor on the mean of past weeks, learned with the Poisson likelihood."""

from typing import Final

import lightgbm
import numpy as np
import numpy.typing as npt
from servicekit.files import DataError

from chicagotaxi.clock import DAY, WEEK
from chicagotaxi.forecast.features import CATEGORICAL, FEATURES, Window, build, look_back
from chicagotaxi.history.panel import Float32Array, Panel

PARAMETERS: Final[dict[str, object]] = {
    "objective": "poisson",
    "learning_rate": 0.15,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "cat_smooth": 50.0,
    "max_bin": 127,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
    # LightGBM's threads wait for each other by spinning: on a busy machine, two took twenty times
    # as long as one. The trees are the same.
    "num_threads": 1,
}


def fit_booster(panel: Panel, *, seed: int, rows: int, trees: int) -> lightgbm.Booster:
    """Train the trees on a history of at least two weeks and two days.

    Raises:
        DataError: It has no trips.
    """
    features, base, truth, weight = _training_rows(panel, seed, rows)
    if not truth.any():
        raise DataError(
            f"There is no trip between {panel.start} and {panel.end} to learn from. Run `etl` on "
            "more trips."
        )
    data = lightgbm.Dataset(
        features,
        label=truth,
        weight=weight,
        init_score=np.log(base),
        feature_name=list(FEATURES),
        categorical_feature=list(CATEGORICAL),
        free_raw_data=True,
    )
    parameters = PARAMETERS | {"seed": seed}
    return lightgbm.train(parameters, data, num_boost_round=trees)


def forecast_by_trees(
    booster: lightgbm.Booster, trained_on: tuple[int, ...], window: Window, areas: tuple[int, ...]
) -> Float32Array:
    """The trees' forecast of the week after a window, 168 x areas, float32, in trips per hour."""
    features, base = build(window, _codes(areas, trained_on))
    rows = features.reshape(-1, len(FEATURES))
    factor = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    return np.asarray(base * np.exp(factor.reshape(base.shape)), dtype=np.float32)


def _training_rows(
    panel: Panel, seed: int, rows: int
) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
    """Features, bases, truths and weights of a sample of all origins, horizons and areas."""
    total = len(panel.trips)
    random = np.random.default_rng(seed)
    # Coprime to the day and the week, so that origins cover every clock hour of every weekday.
    step = max(5, (total // 200) | 1)
    while step % 3 == 0 or step % 7 == 0:
        step += 2
    origins = range(2 * WEEK, total - DAY, step)
    quota = -(-rows // len(origins))
    codes = _codes(panel.areas, panel.areas)
    parts: list[tuple[Float32Array, ...]] = []
    for origin in origins:
        features, base = build(look_back(panel, origin), codes)
        truth = panel.trips[origin : origin + WEEK]
        features, base = features[: len(truth)], base[: len(truth)]
        known = np.flatnonzero(np.isfinite(truth))
        chosen, weight = _sample(known, base.reshape(-1)[known], quota, random)
        parts.append(
            (
                features.reshape(-1, len(FEATURES))[chosen],
                base.reshape(-1)[chosen],
                truth.reshape(-1)[chosen],
                weight,
            )
        )
    features, base, truth, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    return features, base, truth, weight


def _sample(
    rows: npt.NDArray[np.int64], base: Float32Array, quota: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Float32Array]:
    """A sample of rows that prefers busy ones, with weights that compensate for that."""
    if len(rows) <= quota:
        return rows, np.ones(len(rows), dtype=np.float32)
    chance = np.sqrt(base) + np.float32(0.1)
    chance = np.minimum(chance * (quota / chance.sum()), np.float32(1))
    taken = random.random(len(rows), dtype=np.float32) < chance
    return rows[taken], (1 / chance[taken]).astype(np.float32)


def _codes(areas: tuple[int, ...], trained_on: tuple[int, ...]) -> Float32Array:
    """Areas as categories: positions among the trained areas, NaN for other areas."""
    places = {area: place for place, area in enumerate(trained_on)}
    return np.array([places.get(area, np.nan) for area in areas], dtype=np.float32)
