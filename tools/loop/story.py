"""What happened in a simulation, in figures: the document that the page and the picture show."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from modelwatch.challenge.bootstrap import Comparison
from modelwatch.profile import ReferenceProfile, read_profile
from modelwatch.reporting.log_tables import LogTables, open_tables
from modelwatch.reporting.metrics import HIGHER_IS_BETTER
from modelwatch.reporting.performance import Estimate, measure
from modelwatch.reporting.shadow import compare_shadow
from modelwatch.reporting.truth import BY_ID
from modelwatch.reporting.window import WindowColumn, read_columns
from modelwatch.store import open_store
from schedule import CHALLENGE, DRIFT, END, FIRST, PROMOTION, WEEK, WEEKS, WINDOW
from simulation import Simulation

__all__ = ["Story", "Week", "tell_story"]


class Week(NamedTuple):
    """The performance of a week's answers, once all outcomes are known.

    Attributes:
        first: Its first day.
        promoted: Whether the promoted model gave them.
        rows: Answers with an outcome.
        served: Main metric of the answers.
        shadow: The same of the model in the shadow: the challenger, then the champion.
    """

    first: date
    promoted: bool
    rows: int
    served: Estimate
    shadow: Estimate | None


class Story(NamedTuple):
    """What happened.

    Attributes:
        metric: Main metric of reports, such as ``auc``.
        simulation: The simulation.
        profile: Reference profile of the champion.
        new_profile: Reference profile of the challenger.
        weeks: Every week of the traffic.
        reports: ``report.json`` of each report, by its day.
        decision: ``decision.json`` of the challenge.
        drifted: Columns of the first window that is all after the drift.
        after: Main metric of both models on the rows after the promotion.
    """

    metric: str
    simulation: Simulation
    profile: ReferenceProfile
    new_profile: ReferenceProfile
    weeks: list[Week]
    reports: dict[date, dict[str, Any]]
    decision: dict[str, Any]
    drifted: dict[str, WindowColumn]
    after: Comparison

    @property
    def first_alert(self) -> dict[str, date]:
        """The day on which each alert fires first."""
        found: dict[str, date] = {}
        for day, alerts in sorted(self.simulation.alerts.items()):
            for alert in alerts:
                found.setdefault(alert.name, day)
        return found

    def between(self, first: date, end: date) -> float:
        """The mean of the main metric over the weeks from a day to another."""
        return float(np.mean([one.served.value for one in self.weeks if first <= one.first < end]))

    def document(self) -> dict[str, Any]:
        """The figures as a JSON document."""
        simulation = self.simulation
        return {
            "service": simulation.service.name,
            "metric": self.metric,
            "predictions": len(simulation.answered),
            "challenger_rows": simulation.labelled,
            "first_alert_days": {
                name: (day - DRIFT).days for name, day in self.first_alert.items()
            },
            "before": round(self.between(FIRST, DRIFT), 2),
            "drifted": round(self.between(DRIFT, PROMOTION), 2),
            "after": {name: round(value, 2) for name, value in self.after._asdict().items()},
            "alerts": {
                day.isoformat(): sorted({alert.name for alert in alerts})
                for day, alerts in sorted(simulation.alerts.items())
            },
            "decision": self.decision["decision"],
            "gain": round(self._gain, 2),
        }

    @property
    def _gain(self) -> float:
        name = self.decision["declaration"]["metric"]
        metric = self.decision["metrics"][name]
        error = metric["champion"]
        return float(metric["gain"] / (1 - error if name in HIGHER_IS_BETTER else error))


def tell_story(simulation: Simulation) -> Story:
    """Collect the figures of a simulation that has run."""
    profile = read_profile(simulation.champion)
    new_profile = read_profile(simulation.challenger)
    with open_tables(open_store(str(simulation.log))) as tables:
        metric, weeks = _weeks(tables, profile)
        drifted = _columns(tables, profile)
        after = _after(tables, new_profile, metric)
    return Story(
        metric=metric,
        simulation=simulation,
        profile=profile,
        new_profile=new_profile,
        weeks=weeks,
        reports={day: _read(folder / "report.json") for day, folder in simulation.reports.items()},
        decision=_read(simulation.decision / "decision.json"),
        drifted=drifted,
        after=after,
    )


def _weeks(tables: LogTables, profile: ReferenceProfile) -> tuple[str, list[Week]]:
    """The main metric, and all weeks."""
    task = profile.task
    assert task is not None  # noqa: S101 - reports have found performance
    tables.add_predictions()
    tables.add_truth()
    tables.add_shadow((CHALLENGE.isoformat(), END.isoformat()))
    weeks = []
    metric = ""
    for number in range(WEEKS):
        first = FIRST + number * WEEK
        served = measure(tables, task, _joined("predictions", first, first + WEEK))
        metric = next(iter(served.metrics))
        shadow = None
        if first >= CHALLENGE:
            found = measure(tables, task, _joined("shadow", first, first + WEEK))
            shadow = found.metrics[metric]
        promoted = first >= PROMOTION
        weeks.append(Week(first, promoted, served.rows, served.metrics[metric], shadow))
    return metric, weeks


def _columns(tables: LogTables, profile: ReferenceProfile) -> dict[str, WindowColumn]:
    """The columns of the first window that is all after the drift."""
    # Days of the schedule, nothing else.
    source = f"(select * from predictions where {_between(DRIFT, DRIFT + WINDOW)})"  # noqa: S608
    return read_columns(tables, profile, source)


def _after(tables: LogTables, profile: ReferenceProfile, metric: str) -> Comparison:
    """Champion and challenger on the rows after the promotion: the champion is in the shadow."""
    days = PROMOTION.isoformat(), (END - timedelta(days=1)).isoformat()
    tables.add_predictions(days)
    tables.connection.execute(
        f"create table joined as select * from {_joined('predictions', PROMOTION, END)}"  # noqa: S608
    )
    found = compare_shadow(tables, profile, days, "joined")
    assert found is not None  # noqa: S101 - the reports have compared them
    swapped = found.metrics[metric]
    return Comparison(
        champion=swapped.challenger,
        challenger=swapped.champion,
        gain=-swapped.gain,
        low=-swapped.high,
        high=-swapped.low,
    )


def _joined(table: str, first: date, end: date) -> str:
    return (
        f"(select {table}.*, outcome from {table} "  # noqa: S608 - days of the schedule
        f"join truth on ref_kind = '{BY_ID}' and ref = prediction_id where {_between(first, end)})"
    )


def _between(first: date, end: date) -> str:
    return f"time >= timestamptz '{first} 00:00:00+00' and time < timestamptz '{end} 00:00:00+00'"


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found
