"""The report as one HTML page without outside assets."""

import math
from datetime import UTC, datetime
from typing import Final, NamedTuple

from markupsafe import Markup

from modelwatch.profile import CategoryProfile, NumberProfile
from modelwatch.reporting.drift import ALPHA, MIN_ROWS, ColumnDrift
from modelwatch.reporting.performance import MIN_OUTCOMES
from modelwatch.reporting.plots import Bar, Interval, bars, calibration, compact, intervals
from modelwatch.reporting.report import Report
from modelwatch.reporting.shadow_view import shadow_view
from modelwatch.reporting.templates import render_template
from modelwatch.reporting.window import UNSEEN, WindowColumn, named_columns

__all__ = ["column_plot", "render_page"]

_SHOWN_BINS: Final = 20
_ORDER: Final = {"drift": 0, "not-logged": 1, "too-small": 2, "steady": 3}


class _Card(NamedTuple):
    name: str
    drift: ColumnDrift
    plot: Markup | None


class _GroupRow(NamedTuple):
    name: str
    rows: int
    outputs: dict[str, tuple[float, float | None]]


def render_page(report: Report) -> str:
    """The page of a report."""
    cards = [
        _Card(name, report.drift[name], column_plot(reference, report.columns.get(name)))
        for name, reference in named_columns(report.profile).items()
    ]
    cards.sort(key=lambda card: (_ORDER[card.drift.state], -(card.drift.psi or 0)))
    performance = report.performance
    return render_template(
        "report.html",
        report=report,
        created=datetime.fromtimestamp(report.created, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cards=cards,
        drifted=sum(card.drift.state == "drift" for card in cards),
        worse=[name for name, one in performance.metrics.items() if one.worse]
        if performance
        else [],
        false_alarm_rate=ALPHA,
        min_rows=MIN_ROWS,
        min_outcomes=MIN_OUTCOMES,
        metrics=_metrics(report),
        calibration=calibration(performance.calibration)
        if performance and performance.calibration
        else None,
        group_plots=_group_plots(report),
        group_rows=_group_rows(report),
        shadow=report.shadow and shadow_view(report.shadow),
    )


def column_plot(
    reference: NumberProfile | CategoryProfile, window: WindowColumn | None
) -> Markup | None:
    """A column in the window and in the reference; None if the window has no values of it."""
    if window is None or not window.present:
        return None
    if isinstance(reference, NumberProfile):
        return bars(_number_bars(reference, window))
    total = reference.rows - reference.missing
    found = [
        Bar(level, count / window.present, before / total)
        for (level, before), count in zip(reference.levels.items(), window.counts, strict=False)
    ][:_SHOWN_BINS]
    if window.unseen:
        found.append(Bar(UNSEEN, window.unseen / window.present, 0.0))
    return bars(found)


def _number_bars(reference: NumberProfile, window: WindowColumn) -> list[Bar]:
    """Bins of about the same share of the reference, and the values above its maximum."""
    total = reference.rows - reference.missing
    found: list[Bar] = []
    here = before = 0
    for edge, expected, count in zip(
        reference.edges, reference.counts, window.counts, strict=False
    ):
        here, before = here + count, before + expected
        if before >= total / _SHOWN_BINS or edge == reference.edges[-1]:
            found.append(Bar(compact(edge), here / window.present, before / total))
            here = before = 0
    if window.counts[-1]:
        label = f"above {compact(reference.high)}"
        found.append(Bar(label, window.counts[-1] / window.present, 0.0))
    return found


def _metrics(report: Report) -> Markup | None:
    if report.performance is None or not report.performance.metrics:
        return None
    reference = report.profile.task.performance if report.profile.task else {}
    return intervals(
        [
            Interval(name, one.low, one.value, one.high, reference.get(name))
            for name, one in report.performance.metrics.items()
        ],
        common_scale=False,
    )


def _group_plots(report: Report) -> dict[str, tuple[str, Markup]]:
    """For each group feature, the main metric of its groups."""
    found = {}
    for feature, groups in report.groups.items():
        measured = {name: one.metrics for name, one in groups.items() if one.metrics}
        if measured:
            main = next(iter(next(iter(measured.values()))))
            rows = [
                Interval(name, metrics[main].low, metrics[main].value, metrics[main].high)
                for name, metrics in measured.items()
                if not math.isnan(metrics[main].value)
            ]
            if rows:
                found[feature] = main, intervals(rows, common_scale=True)
    return found


def _group_rows(report: Report) -> dict[str, list[_GroupRow]]:
    found = {}
    for feature, groups in report.outputs.items():
        known = report.profile.groups[feature]
        rows = []
        for name, outputs in groups.items():
            before = known[name].outputs if name in known else {}
            values = {}
            for output, mean in outputs.items():
                reference = before.get(output)
                values[output] = mean, reference if isinstance(reference, float) else None
            performance = report.groups.get(feature, {}).get(name)
            rows.append(_GroupRow(name, performance.rows if performance else 0, values))
        found[feature] = rows
    return found
