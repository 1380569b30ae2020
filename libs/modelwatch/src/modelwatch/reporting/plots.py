"""Plots of the report as SVG, which uses the colours of the page."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

__all__ = ["Bar", "Interval", "bars", "calibration", "compact", "heat", "intervals"]

_WIDTH: Final = 340
_BARS_HEIGHT: Final = 130
_ROW: Final = 24
_LABEL: Final = 112


class Bar(NamedTuple):
    """A bin: its label, and its shares of the window and of the reference."""

    label: str
    window: float
    reference: float


class Interval(NamedTuple):
    """A metric with its interval, and the reference if there is one."""

    label: str
    low: float
    value: float
    high: float
    reference: float | None = None


def bars(found: Sequence[Bar]) -> Markup:
    """Shares of bins: a bar for the window, and a line for the reference."""
    top = max((max(one.window, one.reference) for one in found), default=0) or 1
    step = (_WIDTH - 24) / max(len(found), 1)
    floor = _BARS_HEIGHT - 22
    every = max(1, -(-len(found) * 52 // (_WIDTH - 40)))
    parts = []
    for index, one in enumerate(found):
        left, height, line = (
            12 + index * step,
            floor * one.window / top,
            floor * one.reference / top,
        )
        text = f"{one.label}: {one.window:.1%}, reference {one.reference:.1%}"
        parts.append(
            f"<g><title>{escape(text)}</title>"
            f'<rect class="bar" x="{left + 1:.1f}" y="{floor - height:.1f}" '
            f'width="{max(step - 2, 1):.1f}" height="{height:.1f}" rx="2"/>'
            f'<line class="reference" x1="{left + 1:.1f}" x2="{left + step - 1:.1f}" '
            f'y1="{floor - line:.1f}" y2="{floor - line:.1f}"/></g>'
        )
        if index % every == 0:
            parts.append(
                f'<text x="{left + step / 2:.1f}" y="{_BARS_HEIGHT - 6}" text-anchor="middle">'
                f"{escape(_short(one.label))}</text>"
            )
    return _svg(_BARS_HEIGHT, parts, "Shares in the window (bars) and in the reference (lines)")


def intervals(found: Sequence[Interval], *, common_scale: bool) -> Markup:
    """Intervals, with a mark for each reference, on one scale or each on its own."""
    parts = []
    for index, one in enumerate(found):
        x = _scale(found if common_scale else [one])
        y = index * _ROW + _ROW / 2
        parts.append(
            f'<text x="0" y="{y + 4:.1f}">{escape(_short(one.label, 18))}</text>'
            f'<line class="whisker" x1="{x(one.low):.1f}" x2="{x(one.high):.1f}" '
            f'y1="{y}" y2="{y}"/>'
            f'<circle class="dot" cx="{x(one.value):.1f}" cy="{y}" r="4"/>'
            f'<text x="{_WIDTH}" y="{y + 4:.1f}" text-anchor="end">{one.value:.4g}</text>'
        )
        if one.reference is not None:
            at = x(one.reference)
            parts.append(
                f'<line class="reference" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 8}" y2="{y + 8}"/>'
            )
    return _svg(_ROW * len(found), parts, "Metrics with their 95% intervals")


def calibration(points: Sequence[tuple[float, float, int]]) -> Markup:
    """Share of positive outcomes against the mean probability."""
    size, margin = 220, 24
    inner = size - 2 * margin
    largest = max((rows for _, _, rows in points), default=1)
    far = size - margin
    parts = [f'<line class="reference" x1="{margin}" y1="{far}" x2="{far}" y2="{margin}"/>']
    for mean, share, rows in points:
        text = f"probability {mean:.3f}, outcome {share:.3f}, {rows:,} rows"
        parts.append(
            f"<g><title>{escape(text)}</title>"
            f'<circle class="dot" cx="{margin + inner * mean:.1f}" '
            f'cy="{far - inner * share:.1f}" r="{3 + 7 * (rows / largest) ** 0.5:.1f}"/></g>'
        )
    parts.append(f'<text x="{size / 2}" y="{size - 4}" text-anchor="middle">probability</text>')
    parts.append(
        f'<text x="12" y="{size / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {size / 2})">outcome</text>'
    )
    return _svg(size, parts, "Calibration", width=size)


def heat(
    cells: Sequence[tuple[int, int, int]],
    columns: Sequence[str],
    rows: Sequence[str],
    title: str,
    *,
    axes: tuple[str, str],
) -> Markup:
    """Counts of pairs of values: the darker, the more. On the diagonal, both are equal.

    Args:
        cells: Numbers of column and row, and the count.
        columns: The label of each column; an empty one is not written.
        rows: The label of each row, likewise, from below.
        title: What the plot shows, for those who do not see it.
        axes: What columns and rows are.
    """
    left, size = 64, 230
    x, y = size / len(columns), size / len(rows)
    most = max((count for _, _, count in cells), default=1)
    parts = [f'<rect class="empty" x="{left}" y="0" width="{size}" height="{size}"/>']
    for column, row, count in cells:
        text = f"{axes[0]} {columns[column]}, {axes[1]} {rows[row]}: {count:,}"
        opacity = 0.08 + 0.92 * (count / most) ** 0.5
        parts.append(
            f"<g><title>{escape(text)}</title>"
            f'<rect class="bar" x="{left + column * x:.1f}" y="{size - (row + 1) * y:.1f}" '
            f'width="{x:.1f}" height="{y:.1f}" opacity="{opacity:.2f}"/></g>'
        )
    parts.append(
        f'<line class="reference" x1="{left}" y1="{size}" x2="{left + size}" y2="0" '
        'stroke-dasharray="3 4"/>'
    )
    every = max(1, -(-len(columns) * 40 // size))
    for number, label in enumerate(columns):
        if number % every == 0:
            at = left + (number + 0.5) * x
            parts.append(
                f'<text x="{at:.1f}" y="{size + 14}" text-anchor="middle">'
                f"{escape(_short(label))}</text>"
            )
    every = max(1, -(-len(rows) * 16 // size))
    for number, label in enumerate(rows):
        if number % every == 0:
            at = size - (number + 0.5) * y + 4
            parts.append(
                f'<text x="{left - 6}" y="{at:.1f}" text-anchor="end">'
                f"{escape(_short(label))}</text>"
            )
    middle = left + size / 2
    parts.append(
        f'<text x="{middle}" y="{size + 30}" text-anchor="middle">{escape(axes[0])}</text>'
    )
    parts.append(
        f'<text x="12" y="{size / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {size / 2})">{escape(axes[1])}</text>'
    )
    return _svg(size + 36, parts, title, width=left + size + 8)


def compact(value: float) -> str:
    """A number in few characters, such as ``24.7k``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{value:.3g}"


def _scale(found: Sequence[Interval]) -> Callable[[float], float]:
    ends = [end for one in found for end in (one.low, one.high, one.reference) if end is not None]
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.25 or 0.01
    low, high = low - margin, high + margin
    return lambda value: _LABEL + (_WIDTH - _LABEL - 60) * (value - low) / (high - low)


def _short(text: str, length: int = 8) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _svg(height: float, parts: Sequence[str], title: str, *, width: int = _WIDTH) -> Markup:
    inner = "".join(parts)
    return Markup(  # noqa: S704 - the texts are escaped
        f'<svg viewBox="0 0 {width} {height:.0f}" width="{width}" role="img" '
        f'aria-label="{escape(title)}">{inner}</svg>'
    )
