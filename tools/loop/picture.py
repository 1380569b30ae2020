"""The story as one picture: performance, drift and alerts on one time axis."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from markupsafe import Markup, escape
from schedule import CHALLENGE, DRIFT, FIRST, PROMOTION, WEEK, WEEKS
from story import Story

__all__ = ["PSI_MATERIAL", "render_picture", "standalone"]

PSI_MATERIAL: Final = 0.1
"""From here on, the index of a column is written into its cell."""

_WIDTH: Final = 1000
_LEFT: Final = 140
_RIGHT: Final = 16
_TOP: Final = 58
_PANEL: Final = 210
_ROW: Final = 17
_GAP: Final = 46
_AXIS_WEEKS: Final = WEEKS + 1
_PSI_FULL: Final = 0.4
_SHOWN_COLUMNS: Final = 6

_STYLE: Final = """
.loop { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.loop text { fill: var(--dim); } .loop .strong { fill: var(--ink); font-weight: 600; }
.loop .title { fill: var(--ink); font-weight: 600; font-size: 13px; }
.loop .grid { stroke: var(--rule); } .loop .event { stroke: var(--dim); stroke-dasharray: 3 3; }
.loop .world { fill: var(--ref); opacity: .07; }
.loop .champion { fill: var(--bar); stroke: var(--bar); }
.loop .challenger { fill: var(--good); stroke: var(--good); }
.loop .ghost { fill: var(--card); stroke-width: 1.5; }
.loop .line { fill: none; stroke-width: 1.5; }
.loop .whisker-of { stroke-width: 1.5; opacity: .55; }
.loop .evaluated { stroke-dasharray: 5 4; stroke-width: 1; opacity: .8; fill: none; }
.loop .cell { fill: var(--ref); } .loop .faint { fill: var(--rule); opacity: .45; }
.loop .cell-text { fill: var(--ink); font-size: 10px; font-weight: 600; }
.loop .fires { fill: var(--bad); } .loop .quiet { fill: var(--good); opacity: .35; }
"""
_COLOURS: Final = """
:root { --ink: #1d2433; --dim: #667085; --card: #fff; --rule: #e2e5ea; --bar: #4c78a8;
  --ref: #e4572e; --good: #2e7d4f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #98a2b3; --card: #1d222b;
  --rule: #313844; --bar: #6ea0d6; --ref: #ff8a65; --good: #62c28a; --bad: #ff8a80; } }
"""


def render_picture(story: Story) -> Markup:
    """The picture, in the colours of the page that it is in."""
    columns, names = _columns(story), sorted(story.first_alert, key=story.first_alert.__getitem__)
    drift_top = _TOP + _PANEL + _GAP
    alerts_top = drift_top + _ROW * len(columns) + _GAP - 8
    height = alerts_top + _ROW * max(len(names), 1) + 34
    parts = [
        *_frame(drift_top, alerts_top, height, story.metric),
        *_performance(story),
        *_heat(story, columns, drift_top),
        *_alerts(story, names, alerts_top),
    ]
    before, during, after = (
        story.between(FIRST, DRIFT),
        story.between(DRIFT, PROMOTION),
        story.after.challenger,
    )
    title = (
        f"{_metric(story.metric)} {before:.2f} before the drift, {during:.2f} during it, "
        f"{after:.2f} after the promotion"
    )
    return Markup(  # noqa: S704 - the texts are escaped
        f'<svg class="loop" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" role="img" aria-label="{escape(title)}"><style>{_STYLE}</style>'
        f"{''.join(parts)}</svg>"
    )


def standalone(picture: Markup) -> str:
    """The picture as a file of its own: with colours and a background."""
    style = f"<style>{_COLOURS}svg {{ background: var(--card); }}</style>"
    background = '<rect width="100%" height="100%" rx="10" style="fill: var(--card)"/>'
    head, _, rest = str(picture).partition(">")
    return f"{head}>{style}{background}{rest}\n"


def _x(day: date) -> float:
    share = (day - FIRST) / (_AXIS_WEEKS * WEEK)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _frame(drift_top: int, alerts_top: int, height: int, metric: str) -> list[str]:
    """Time axis, events and titles."""
    bottom = height - 28
    note = (
        "population stability index against the reference of the model in use; "
        f"{PSI_MATERIAL:g} and more is written"
    )
    parts = [
        (
            f'<rect class="world" x="{_x(DRIFT):.1f}" y="{_TOP - 14}" '
            f'width="{_WIDTH - _RIGHT - _x(DRIFT):.1f}" height="{bottom - _TOP + 14}"/>'
        )
    ]
    for day, text in (
        (DRIFT, "The world changes"),
        (CHALLENGE, "Challenge"),
        (PROMOTION, "Promotion"),
    ):
        at = _x(day)
        parts.append(
            f'<line class="event" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 14}" y2="{bottom}"/>'
            f'<text class="strong" x="{at + 4:.1f}" y="{_TOP - 24}">{text}</text>'
            f'<text x="{at + 4:.1f}" y="{_TOP - 40}">{_short(day)}</text>'
        )
    for week in range(_AXIS_WEEKS):
        day = FIRST + week * WEEK
        if week % 2 == 0:
            parts.append(f'<text x="{_x(day):.1f}" y="{height - 10}">{_short(day)}</text>')
    parts += [
        f'<text class="title" x="0" y="{_TOP - 38}">{escape(_metric(metric))} by week</text>',
        f'<text x="0" y="{_TOP - 23}">with 95% intervals</text>',
        f'<text class="title" x="0" y="{drift_top - 10}">Drift by report</text>',
        f'<text x="{_LEFT}" y="{drift_top - 10}">{note}</text>',
        f'<text class="title" x="0" y="{alerts_top - 10}">Alerts</text>',
    ]
    return parts


def _performance(story: Story) -> list[str]:
    weeks = story.weeks
    ends = [value for one in weeks for value in (one.served.low, one.served.high)]
    ends += [one.shadow.value for one in weeks if one.shadow is not None]
    low, high = min(ends), max(ends)
    step = 0.05
    low, high = step * (low // step), step * (high // step + 1)

    def y(value: float) -> float:
        return _TOP + _PANEL * (high - value) / (high - low)

    parts = []
    count = round((high - low) / step)
    for number in range(count + 1):
        value = low + number * step
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/><text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:.2f}</text>'
        )
    for profile, model, first, end in (
        (story.profile, "champion", FIRST, PROMOTION),
        (story.new_profile, "challenger", PROMOTION, weeks[-1].first + WEEK),
    ):
        reference = profile.task.performance.get(story.metric) if profile.task else None
        if reference is not None:
            parts.append(
                f'<line class="{model} evaluated" x1="{_x(first):.1f}" x2="{_x(end):.1f}" '
                f'y1="{y(reference):.1f}" y2="{y(reference):.1f}"/>'
            )
    for one in weeks:
        if one.shadow is None:
            continue
        model, value = "champion" if one.promoted else "challenger", one.shadow.value
        parts.append(
            f'<circle class="{model} ghost" cx="{_middle(one.first):.1f}" cy="{y(value):.1f}" '
            f'r="4.5"><title>week of {_short(one.first)}, in the shadow: {value:.3f}</title>'
            "</circle>"
        )
    for one in weeks:
        model, at, found = (
            "challenger" if one.promoted else "champion",
            _middle(one.first),
            one.served,
        )
        parts.append(
            f"<g><title>week of {_short(one.first)}: {found.value:.3f} ({found.low:.3f} to "
            f"{found.high:.3f}), {one.rows:,} outcomes</title>"
            f'<line class="{model} whisker-of" x1="{at:.1f}" x2="{at:.1f}" y1="{y(found.low):.1f}" '
            f'y2="{y(found.high):.1f}"/>'
            f'<circle class="{model}" cx="{at:.1f}" cy="{y(found.value):.1f}" r="4.5"/></g>'
        )
    return [*parts, *_legend()]


def _legend() -> list[str]:
    left, parts = _LEFT + 8, []
    for number, (style, text) in enumerate(
        (
            ("champion", "champion"),
            ("challenger", "challenger"),
            ("champion ghost", "in the shadow of the other"),
        )
    ):
        y = _TOP + _PANEL - 58 + 16 * number
        parts.append(
            f'<circle class="{style}" cx="{left}" cy="{y - 4}" r="4.5"/>'
            f'<text x="{left + 10}" y="{y}">{text}</text>'
        )
    y = _TOP + _PANEL - 58 + 16 * 3
    parts.append(
        f'<line class="champion evaluated" x1="{left - 6}" x2="{left + 6}" y1="{y - 4}" '
        f'y2="{y - 4}"/><text x="{left + 10}" y="{y}">when the model was evaluated</text>'
    )
    return parts


def _columns(story: Story) -> list[str]:
    """The columns that drifted most, at any time."""
    most: dict[str, float] = {}
    for report in story.reports.values():
        for name, one in report["drift"].items():
            most[name] = max(most.get(name, 0.0), one["psi"] or 0.0)
    return sorted(most, key=lambda name: -most[name])[:_SHOWN_COLUMNS]


def _heat(story: Story, columns: Sequence[str], top: int) -> list[str]:
    parts = []
    for row, name in enumerate(columns):
        y = top + row * _ROW
        label = name.partition(".")[2]
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(label[:20])}</text>'
        )
        for day, report in story.reports.items():
            one: dict[str, Any] = report["drift"][name]
            psi = one["psi"]
            if psi is None:
                continue
            parts.append(_cell(day, y, psi, f"{name}, report of {_short(day)}: {one['state']}"))
    return parts


def _cell(day: date, y: float, psi: float, text: str) -> str:
    at, width = _x(day), _x(day + WEEK) - _x(day)
    written = (
        f'<text class="cell-text" x="{at + width / 2:.1f}" y="{y + 11.5}" text-anchor="middle">'
        f"{psi:.2f}</text>"
        if psi >= PSI_MATERIAL
        else ""
    )
    box = f'x="{at + 1:.1f}" y="{y}" width="{width - 2:.1f}" height="{_ROW - 2}" rx="2"'
    return (
        f"<g><title>{escape(text)}, index {psi:.3f}</title>"
        f'<rect class="faint" {box}/>'
        f'<rect class="cell" {box} opacity="{min(psi / _PSI_FULL, 1):.2f}"/>{written}</g>'
    )


def _alerts(story: Story, names: Sequence[str], top: int) -> list[str]:
    parts = []
    for row, name in enumerate(names):
        y = top + row * _ROW
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        for day, alerts in sorted(story.simulation.alerts.items()):
            fires = any(alert.name == name for alert in alerts)
            at, width = _x(day), _x(day + WEEK) - _x(day)
            parts.append(
                f'<rect class="{"fires" if fires else "quiet"}" x="{at + 1:.1f}" y="{y + 2}" '
                f'width="{width - 2:.1f}" height="{_ROW - 6}" rx="2"><title>{_short(day)}: '
                f"{escape(name)} {'fires' if fires else 'does not fire'}</title></rect>"
            )
    if not names:
        parts.append(f'<text x="{_LEFT}" y="{top + 12}">none</text>')
    return parts


def _middle(day: date) -> float:
    return _x(day + timedelta(days=3.5))


def _short(day: date) -> str:
    return f"{day:%b} {day.day}"


def _metric(name: str) -> str:
    return name.upper() if len(name) <= 4 else name.replace("_", " ")  # noqa: PLR2004 - AUC, WAPE
