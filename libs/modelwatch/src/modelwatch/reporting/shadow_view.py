"""What the page of a report shows of the shadow."""

from typing import NamedTuple

from markupsafe import Markup

from modelwatch.reporting.performance import MIN_OUTCOMES
from modelwatch.reporting.plots import Interval, compact, heat, intervals
from modelwatch.reporting.shadow import MIN_PAIRS, ShadowGroup, ShadowReport
from modelwatch.reporting.shadow_differences import (
    GRID,
    MAX_LEVELS,
    CategoryDifference,
    NumberDifference,
)

__all__ = ["ShadowView", "shadow_view"]

_AXES = "in use", "challenger"


class _Output(NamedTuple):
    name: str
    text: str
    plot: Markup


class _Row(NamedTuple):
    name: str
    pairs: int
    values: list[str]
    gain: str


class ShadowView(NamedTuple):
    """The values of the template ``shadow.html``.

    Attributes:
        report: The comparison.
        outputs: A plot for each output.
        gains: A plot of the gains; None without metrics.
        main: The metric that groups show; None without metrics.
        measures: Headings of the measures of a group.
        groups: For each group feature, a row for each group.
        min_pairs: Fewer pairs are not compared.
        min_outcomes: Fewer outcomes are not compared.
    """

    report: ShadowReport
    outputs: list[_Output]
    gains: Markup | None
    main: str | None
    measures: list[str]
    groups: dict[str, list[_Row]]
    min_pairs: int
    min_outcomes: int


def shadow_view(report: ShadowReport) -> ShadowView:
    """The view of a comparison."""
    of_groups = (one.metrics for groups in report.groups.values() for one in groups.values())
    main = next((name for metrics in of_groups for name in metrics), None)
    measures = [
        f"{name}: {'mean difference' if isinstance(one, NumberDifference) else 'agreement'}"
        for name, one in report.outputs.items()
    ]
    return ShadowView(
        report=report,
        outputs=[_output(name, one) for name, one in report.outputs.items()],
        gains=_gains(report),
        main=main,
        measures=measures,
        groups={
            feature: [_row(name, one, list(report.outputs), main) for name, one in groups.items()]
            for feature, groups in report.groups.items()
        },
        min_pairs=MIN_PAIRS,
        min_outcomes=MIN_OUTCOMES,
    )


def _output(name: str, found: NumberDifference | CategoryDifference) -> _Output:
    if isinstance(found, CategoryDifference):
        levels = list(dict.fromkeys(one for cell in found.confusion for one in cell[:2]))
        shown = sorted(levels[:MAX_LEVELS])
        cells = [
            (shown.index(one), shown.index(other), count)
            for one, other, count in found.confusion
            if one in shown and other in shown
        ]
        text = f"The same in {found.agreement:.1%} of {found.pairs:,} pairs."
        return _Output(name, text, heat(cells, shown, shown, f"{name} of both models", axes=_AXES))
    width = (found.high - found.low) / GRID
    labels = [compact(found.low + (number + 0.5) * width) for number in range(GRID)]
    text = (
        f"Mean {found.champion:.4g} in use, {found.challenger:.4g} of the challenger; mean "
        f"difference {found.mean:+.4g}, mean absolute difference {found.mean_absolute:.4g}; 90% "
        f"of the differences are from {found.quantiles['0.05']:+.4g} to "
        f"{found.quantiles['0.95']:+.4g}."
    )
    return _Output(
        name, text, heat(found.grid, labels, labels, f"{name} of both models", axes=_AXES)
    )


def _gains(report: ShadowReport) -> Markup | None:
    if not report.metrics:
        return None
    return intervals(
        [Interval(name, one.low, one.gain, one.high, 0.0) for name, one in report.metrics.items()],
        common_scale=False,
    )


def _row(name: str, group: ShadowGroup, outputs: list[str], main: str | None) -> _Row:
    values = []
    for output in outputs:
        found = group.outputs.get(output)
        if found is None:
            values.append("")
        elif "agreement" in found:
            values.append(f"{found['agreement']:.1%}")
        else:
            values.append(f"{found['mean']:+.4g}")
    gain = group.metrics.get(main) if main else None
    text = f"{gain.gain:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})" if gain else ""
    return _Row(name, group.pairs, values, text)
