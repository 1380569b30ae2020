"""The story as one HTML page without outside assets."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import schedule
from markupsafe import Markup, escape
from modelwatch.reporting.page import column_plot
from modelwatch.reporting.plots import Interval, intervals
from modelwatch.reporting.templates import render_template
from modelwatch.reporting.window import named_columns
from picture import render_picture
from story import Story

__all__ = ["render_page"]

_MOVED: Final = 2
_TEMPLATE: Final = Path(__file__).with_name("page.html")


class _AlertRow(NamedTuple):
    day: date
    name: str
    summary: str


def render_page(story: Story) -> str:
    """The page of a story."""
    simulation = story.simulation
    first_days = [(day - schedule.DRIFT).days for day in story.first_alert.values()]
    reports = sorted(story.reports)
    last = simulation.alerts[reports[-1]]
    return render_template(
        _TEMPLATE.name,
        folder=_TEMPLATE.parent,
        service=simulation.service,
        schedule=schedule,
        day=_day,
        metric=_metric(story.metric),
        picture=render_picture(story),
        answers=len(simulation.answered),
        history=simulation.history,
        labelled=simulation.labelled,
        truth_after=schedule.TRUTH_AFTER.days,
        before=story.between(schedule.FIRST, schedule.DRIFT),
        during=story.between(schedule.DRIFT, schedule.PROMOTION),
        after=story.after,
        after_rows=sum(week.rows for week in story.weeks if week.promoted),
        first_days=min(first_days, default=None),
        lead_days=max(first_days, default=0) - min(first_days, default=0),
        quiet_reports=sum(day <= schedule.DRIFT for day in reports),
        false_alarm_rate=story.reports[reports[0]]["false_alarm_rate"],
        moved=_moved(story),
        alert_rows=_alert_rows(story),
        decision=story.decision,
        gains=_gains(story.decision["metrics"]),
        shadow=(shadow := story.reports[schedule.PROMOTION]["shadow"]),
        shadow_gains=_gains(shadow["metrics"]),
        shadow_end=schedule.PROMOTION - timedelta(days=1),
        commit=_diff(simulation.commit, simulation.work),
        quiet_after=not last,
        alerts_after=sorted({alert.name for alert in last}),
        last_day=schedule.END - timedelta(days=1),
        last_metrics=_last_metrics(story, story.reports[reports[-1]]),
        reports=reports,
    )


def _moved(story: Story) -> list[tuple[str, Markup, float]]:
    """The columns that drifted most in the first window after the change."""
    day = schedule.DRIFT + schedule.WINDOW
    drift = story.reports[day]["drift"]
    found: list[tuple[str, Markup, float]] = []
    columns = named_columns(story.profile)
    for name in sorted(columns, key=lambda name: -(drift[name]["psi"] or 0.0))[:_MOVED]:
        plot = column_plot(columns[name], story.drifted.get(name))
        if plot is not None:
            found.append((name, plot, drift[name]["psi"]))
    return found


def _alert_rows(story: Story) -> list[_AlertRow]:
    """Each summary with the first report on which it fires."""
    first: dict[tuple[str, str], date] = {}
    for day, alerts in sorted(story.simulation.alerts.items()):
        for alert in alerts:
            first.setdefault((alert.name, alert.annotations["summary"]), day)
    return [_AlertRow(day, name, summary) for (name, summary), day in first.items()]


def _gains(metrics: dict[str, Any]) -> Markup:
    return intervals(
        [
            Interval(name, one["low"], one["gain"], one["high"], 0.0)
            for name, one in metrics.items()
        ],
        common_scale=False,
    )


def _last_metrics(story: Story, report: dict[str, Any]) -> Markup:
    task = story.new_profile.task
    reference = task.performance if task else {}
    return intervals(
        [
            Interval(name, one["low"], one["value"], one["high"], reference.get(name))
            for name, one in report["performance"]["metrics"].items()
        ],
        common_scale=False,
    )


def _diff(text: str, work: Path) -> Markup:
    """A commit with coloured lines; the folder of the simulation is shortened."""
    lines = []
    for line in text.replace(work.as_uri(), "file:///...").splitlines():
        style = {"+": "add", "-": "del"}.get(line[:1], "")
        if line.startswith(("+++", "---")):
            style = ""
        lines.append(f'<span class="{style}">{escape(line)}</span>' if style else escape(line))
    return Markup("\n").join(Markup(line) for line in lines)  # noqa: S704 - they are escaped


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _metric(name: str) -> str:
    return name.upper() if len(name) <= 4 else name.replace("_", " ")  # noqa: PLR2004 - AUC, WAPE
