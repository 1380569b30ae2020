"""The findings as one picture.

The upper part has a line per incident: the customer who moved most, from the writer's probability
to the reader's. The lower part has every customer of the silently wrong incidents.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from incidentlab.findings import THRESHOLD, Data, IncidentFinding, IncidentVerdict, write_file
from incidentlab.incidents import REPORTED
from incidentlab.laboratory import Experiment

_WRONG, _LOUD, _SAME, _REPORTED, _INK = "#b3261e", "#a35f00", "#2e7d32", "#6b6b6b", "#222222"
_COLOURS: Final = {
    IncidentVerdict.SAME: _SAME,
    IncidentVerdict.ROUNDING: _SAME,
    IncidentVerdict.LOAD: _LOUD,
    IncidentVerdict.PREDICT: _LOUD,
    IncidentVerdict.WRONG: _WRONG,
}
# Where the two columns of words begin, as shares of their panel.
_SERVICE, _SEAL = 0.0, 0.66


def write_plot(experiments: Sequence[Experiment], data: Data, path: Path) -> None:
    """Draw the findings, and write the picture completely or not at all."""
    silent = [one for one in experiments if one.finding.verdict is IncidentVerdict.WRONG]
    # The object interface and not pyplot: no display, no global state.
    figure = Figure(figsize=(12, 8), layout="constrained", facecolor="white")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.45, 1))[:, 0]
    moves, words = above.subplots(1, 2, sharey=True, width_ratios=(1, 1.3))
    _draw_incidents(moves, words, [one.finding for one in experiments])
    if silent:
        panels = below.subplots(1, len(silent), sharex=True, sharey=True, squeeze=False)[0]
        for axes, experiment in zip(panels, silent, strict=True):
            _draw_customers(axes, experiment)
        panels[0].set_ylabel("change where it is read")
        below.suptitle(
            "Every scored customer of the silent ones; red, the decision flipped",
            fontsize=10,
            x=0.01,
            ha="left",
        )
    figure.suptitle(
        f"What an upgrade does to a model that nobody guards ({data.source}, "
        f"{data.scored:,} customers scored)",
        fontsize=13,
        fontweight="bold",
        x=0.01,
        ha="left",
    )
    _save(figure, path)


def _draw_incidents(axes: Axes, words: Axes, findings: Sequence[IncidentFinding]) -> None:
    labels = [f"{REPORTED.title}\n(reported, not measured here)"]
    _draw_move(axes, 0, REPORTED.before, REPORTED.after, _REPORTED)
    _write(words, 0, _SERVICE, f"{REPORTED.before} → {REPORTED.after}, reported", color=_REPORTED)
    for row, finding in enumerate(findings, start=1):
        versions = f"{finding.subject} {finding.written_by} → {finding.read_by}"
        labels.append(f"{finding.title}\n{versions}")
        colour = _COLOURS[finding.verdict]
        comparison = finding.comparison
        if comparison is not None and comparison.moved:
            _draw_move(axes, row, comparison.before, comparison.after, colour)
        _write(words, row, _SERVICE, _outcome(finding), color=colour)
        code = finding.guards.code
        seal = "opens" if code is None else f"refuses: {code}"
        _write(words, row, _SEAL, seal, color=_SAME)
    axes.axvline(THRESHOLD, color="0.8", linewidth=1, zorder=0)
    _write(words, -0.85, _SERVICE, "a service without a guard", color=_INK, fontweight="bold")
    _write(words, -0.85, _SEAL, "open_sealed", color=_INK, fontweight="bold")
    axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
    axes.set(xlim=(0, 1), ylim=(len(labels) - 0.4, -0.6))
    axes.set_xlabel("the customer who moved most: hollow as written, full as read", fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    words.set_axis_off()
    for row in range(len(labels)):
        for panel in (axes, words):
            panel.axhline(row + 0.5, color="0.93", linewidth=0.8, zorder=0)


def _draw_move(axes: Axes, row: int, before: float, after: float, colour: str) -> None:
    axes.plot([before, after], [row, row], color=colour, linewidth=2, zorder=1)
    axes.plot(before, row, "o", markersize=8, markerfacecolor="white", color=colour, zorder=2)
    axes.plot(after, row, "o", markersize=8, color=colour, zorder=3)


def _write(panel: Axes, row: float, column: float, text: str, **style: Any) -> None:  # noqa: ANN401 - of matplotlib
    place = panel.get_yaxis_transform()
    panel.text(column, row, text, transform=place, fontsize=8.5, va="center", **style)


def _outcome(finding: IncidentFinding) -> str:
    comparison = finding.comparison
    if comparison is None:
        return str(finding.verdict)
    if comparison.moved == 0:
        return "nothing moves: bitwise equal"
    return (
        f"{finding.verdict}: {comparison.moved:,} of {comparison.rows:,} moved,\n"
        f"{comparison.noticeable:,} by 0.005 or more, {comparison.flipped:,} decisions flipped"
    )


def _draw_customers(axes: Axes, experiment: Experiment) -> None:
    assert experiment.answered is not None  # noqa: S101 - a silently wrong service has answered
    pairs = list(zip(experiment.right, experiment.answered, strict=True))
    flipped = [pair for pair in pairs if (pair[0] >= THRESHOLD) != (pair[1] >= THRESHOLD)]
    kept = [pair for pair in pairs if (pair[0] >= THRESHOLD) == (pair[1] >= THRESHOLD)]
    axes.axhline(0, color="0.75", linewidth=1, zorder=0)
    for points, colour, size in ((kept, "#4a6a8a", 6), (flipped, _WRONG, 12)):
        before = [one for one, _ in points]
        change = [other - one for one, other in points]
        axes.scatter(before, change, s=size, color=colour, alpha=0.7, linewidths=0)
    axes.set(xlim=(0, 1), xlabel="probability where it is written")
    axes.set_title(experiment.finding.title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    picture = io.BytesIO()
    # Without a date and version inside, the same findings give the same picture.
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    write_file(path, picture.getvalue())
