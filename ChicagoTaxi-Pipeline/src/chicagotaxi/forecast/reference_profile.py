"""The reference profile that is sealed with a model: reports compare the prediction log with it."""

import numpy as np
from modelwatch.profile import ReferenceProfile, Task, make_profile

from chicagotaxi.clock import day_of_week
from chicagotaxi.forecast.backtest import Backtest
from chicagotaxi.forecast.metrics import FORECAST
from chicagotaxi.forecast.model import Thresholds
from chicagotaxi.forecast.rows import categories
from chicagotaxi.forecast.trials import days_ahead
from chicagotaxi.prediction_log import SCHEMA


def reference_profile(
    backtest: Backtest, areas: tuple[int, ...], thresholds: Thresholds
) -> ReferenceProfile:
    """Describe the forecasts of a back-test, whose weeks no model was trained on.

    Args:
        backtest: The back-test.
        areas: The areas of the history, in its order.
        thresholds: The categories of demand of the model.
    """
    outcome, overall = backtest.outcome, backtest.report.overall
    demand = outcome.forecasts[FORECAST].astype(np.float64)
    errors = overall.errors[FORECAST]
    performance = {"mae": errors.mae, "wape": errors.wape, "coverage": overall.coverage}
    return make_profile(
        SCHEMA,
        features={
            "area": [str(areas[column]) for column in outcome.columns.tolist()],
            "days_ahead": outcome.days.tolist(),
            "day_of_week": day_of_week(outcome.dates.astype("datetime64[D]")).tolist(),
        },
        outputs={
            "predicted_demand": demand.tolist(),
            "lower": outcome.lower[FORECAST].tolist(),
            "upper": outcome.upper[FORECAST].tolist(),
            "demand_category": categories(demand, thresholds).to_pylist(),
        },
        group_edges={"days_ahead": sorted(set(days_ahead().tolist()))[1:]},
        task=Task(
            kind="number",
            output="predicted_demand",
            low="lower",
            high="upper",
            coverage=backtest.report.interval,
            performance={name: value for name, value in performance.items() if value is not None},
        ),
    )
