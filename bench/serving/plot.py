"""The results as one picture: CPU time for one request, of each service's servers."""

import io
from pathlib import Path
from typing import Any, Final

from figures import shown_ms
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from servicekit.files import write_file
from tables import compared, groups

_OURS, _FLOOR, _OTHER, _INK = "#2e7d32", "#6b6b6b", "#a35f00", "#222222"
_ROW_INCHES: Final = 0.32
_LEAST_MS: Final = 0.1
"""Where bars begin, the same in every panel."""


def write_plot(measured: dict[str, Any], path: Path) -> None:
    """Draw the CPU time for one request, and write the picture completely or not at all."""
    parts = [
        (f"{service}, {workload}", [row for row in rows if "failed" not in compared(row)])
        for (service, workload), rows in groups(measured).items()
    ]
    parts = [(title, rows) for title, rows in parts if rows]
    if not parts:
        return
    # The object interface and not pyplot: no display, no global state.
    lengths = [len(rows) + 2 for _, rows in parts]
    figure = Figure(
        figsize=(9, _ROW_INCHES * sum(lengths) + 1), layout="constrained", facecolor="white"
    )
    panels = figure.subplots(len(parts), 1, squeeze=False, height_ratios=lengths)[:, 0]
    for axes, (title, rows) in zip(panels, parts, strict=True):
        _draw(axes, title, rows)
    panels[-1].set_xlabel("CPU time for one request, in ms (logarithmic)")
    picture = io.BytesIO()
    # The same results give the same bytes, and text stays text.
    with rc_context({"svg.hashsalt": "serving", "svg.fonttype": "none"}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    write_file(path, picture.getvalue())


def _draw(axes: Axes, title: str, rows: list[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: -compared(row)["cpu_ms"]["median"])
    for place, row in enumerate(rows):
        cpu = compared(row)["cpu_ms"]
        colour = _colour(row["name"])
        axes.barh(place, cpu["median"], color=colour, height=0.7)
        axes.plot([cpu["lowest"], cpu["highest"]], [place, place], color=_INK, linewidth=1)
        axes.annotate(
            shown_ms(cpu),
            (cpu["highest"], place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=_INK,
        )
    axes.set_xscale("log")
    axes.set_xlim(left=_LEAST_MS)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.set_title(title, fontsize=10, loc="left")
    axes.margins(x=0.15)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _colour(name: str) -> str:
    if name.startswith("this service"):
        return _OURS
    return _FLOOR if name.startswith("empty") else _OTHER
