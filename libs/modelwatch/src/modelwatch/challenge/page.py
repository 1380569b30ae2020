"""The decision as one HTML page without outside assets."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from markupsafe import Markup

from modelwatch.challenge.bootstrap import EQUAL_PROMOTED
from modelwatch.challenge.decision import Decision
from modelwatch.challenge.gates import Gate
from modelwatch.reporting.plots import Interval, calibration, intervals
from modelwatch.reporting.templates import render_template

__all__ = ["render_page"]


class _Metric(NamedTuple):
    name: str
    champion: float
    challenger: float
    gain: float
    low: float
    high: float


def render_page(decision: Decision) -> str:
    """The page of a decision."""
    gates = {gate.name: gate for gate in decision.gates}
    return render_template(
        "decision.html",
        decision=decision,
        created=datetime.fromtimestamp(decision.created, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        metrics=[_Metric(name, *one) for name, one in decision.metrics.items()],
        gains=intervals(
            [
                Interval(name, one.low, one.gain, one.high, 0.0)
                for name, one in decision.metrics.items()
            ],
            common_scale=False,
        )
        if decision.metrics
        else None,
        groups=_groups(gates["groups"]) if "groups" in gates else {},
        calibrations=[
            (title, calibration(points))
            for title, points in zip(("Champion", "Challenger"), decision.calibration, strict=False)
        ],
        explanations=_texts(gates, "golden", "explained_by"),
        too_small=_texts(gates, "groups", "too_small"),
        equal_promoted=EQUAL_PROMOTED,
    )


def _groups(gate: Gate) -> dict[str, Markup]:
    """For each grouping, the gains in its groups."""
    rows: dict[str, list[Interval]] = {}
    found: Any = gate.figures["groups"]
    for one in found:
        name, ends = str(one["group"]), (one["low"], one["gain"], one["high"])
        rows.setdefault(str(one["feature"]), []).append(Interval(name, *ends, 0.0))
    return {feature: intervals(one, common_scale=True) for feature, one in rows.items()}


def _texts(gates: dict[str, Gate], name: str, figure: str) -> list[str]:
    found: Any = gates[name].figures.get(figure, []) if name in gates else []
    return list(map(str, found))
