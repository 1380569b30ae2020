"""The gates that a challenger has to pass."""

import statistics
from typing import NamedTuple

import numpy as np
from modelseal import Manifest
from pydantic import JsonValue

from modelwatch.challenge.bootstrap import Comparison
from modelwatch.challenge.declaration import Declaration
from modelwatch.challenge.golden import find_changes, find_movements
from modelwatch.challenge.pairs import Entrant, Pair
from modelwatch.challenge.scores import Scores, confidence_cells
from modelwatch.profile import PROFILE_NAME
from modelwatch.reporting.metrics import HIGHER_IS_BETTER, calibration_error, coverage
from modelwatch.reporting.performance import MIN_OUTCOMES

__all__ = ["Gate", "judge", "runs_gate"]


class Gate(NamedTuple):
    """The result of a gate.

    Attributes:
        name: Name of the gate.
        passed: Whether the challenger passed.
        reason: Why, in a sentence.
        figures: The figures that decided.
    """

    name: str
    passed: bool
    reason: str
    figures: dict[str, JsonValue]


def judge(champion: Entrant, challenger: Entrant, pair: Pair, main: Comparison) -> list[Gate]:
    """The results of all gates, in the order of the report.

    Args:
        champion: The champion.
        challenger: The challenger.
        pair: Both on the same rows.
        main: The comparison of the main metric.
    """
    declaration = pair.declaration
    return [
        runs_gate(None),
        _unseen(pair),
        _better(main, declaration),
        _plausible(main, declaration),
        _groups(pair),
        _calibration(champion.scores, challenger.scores, pair),
        _golden(champion.manifest, challenger.manifest),
        _size(champion.manifest, challenger.manifest, declaration),
        latency(champion.scores, challenger.scores, declaration),
    ]


def runs_gate(problem: str | None) -> Gate:
    """Whether the challenger trains, is sealed, opens with its golden answers, and scores."""
    if problem is not None:
        return Gate("runs", False, problem, {})
    reason = "It was trained and sealed, opened with its golden answers, and scored every row."
    return Gate("runs", True, reason, {})


def _unseen(pair: Pair) -> Gate:
    leaked, rows = int(pair.leaked.sum()), len(pair.leaked)
    figures: dict[str, JsonValue] = {"rows": rows, "in_training": leaked}
    if leaked:
        reason = (
            f"{leaked:,} of the {rows:,} held-out rows are training rows of the challenger, by the "
            "digests that are sealed with it: its metrics are too good."
        )
        return Gate("unseen", False, reason, figures)
    reason = f"None of the {rows:,} compared rows is known to be a training row of either model."
    return Gate("unseen", True, reason, figures)


def _better(found: Comparison, declaration: Declaration) -> Gate:
    metric = declaration.metric
    figures: dict[str, JsonValue] = {"metric": metric, **found._asdict()}
    interval = f"{found.gain:+.4f} (95% interval {found.low:+.4f} to {found.high:+.4f})"
    moved = f"{metric} {found.champion:.4f} to {found.challenger:.4f}, a gain of {interval}"
    if found.low > 0:
        return Gate("better", True, f"{moved}: better.", figures)
    ending = "worse." if found.high < 0 else "not certainly better."
    return Gate("better", False, f"{moved}: {ending}", figures)


def _plausible(found: Comparison, declaration: Declaration) -> Gate:
    share, bound = _share(found.gain, declaration.metric, found), declaration.plausible_gain
    figures: dict[str, JsonValue] = {"share": share, "bound": bound}
    if share > bound:
        reason = (
            f"The gain removes {share:.0%} of the champion's error; more than {bound:.0%} is "
            "implausible. Look for a feature that contains the outcome. If the gain is real, raise "
            "plausible_gain in a commit of its own."
        )
        return Gate("plausible", False, reason, figures)
    reason = f"The gain is {share:.1%} of the champion's error; up to {bound:.0%} is plausible."
    return Gate("plausible", True, reason, figures)


def _groups(pair: Pair) -> Gate:
    declaration = pair.declaration
    measured: list[JsonValue] = []
    small: list[JsonValue] = []
    worse = []
    for feature, values in sorted(pair.groups.items()):
        members = np.array(values)
        for name in sorted(set(values)):
            chosen = members == name
            rows = int(chosen.sum())
            if rows < MIN_OUTCOMES:
                small.append(f"{feature} {name}")
                continue
            found = pair.compare(declaration.metric, chosen)
            share = _share(-found.gain, declaration.metric, found)
            figures: dict[str, JsonValue] = {"feature": feature, "group": name, "rows": rows}
            measured.append(figures | {"larger_error": share, **found._asdict()})
            if share > declaration.group_margin:
                worse.append(f"{feature} {name} by {share:.1%}")
    all_figures: dict[str, JsonValue] = {
        "margin": declaration.group_margin,
        "groups": measured,
        "too_small": small,
    }
    margin = f"{declaration.group_margin:.1%}"
    if worse:
        reason = f"The error is larger by more than {margin} in {', '.join(worse)}."
        return Gate("groups", False, reason, all_figures)
    reason = f"The error is larger by more than {margin} in none of {len(measured)} groups."
    if small:
        reason += f" Not compared, because they have fewer than {MIN_OUTCOMES} rows: {len(small)}."
    return Gate("groups", True, reason, all_figures)


def _share(change: float, metric: str, found: Comparison) -> float:
    """A change as a share of the champion's error."""
    error = 1 - found.champion if metric in HIGHER_IS_BETTER else found.champion
    return change / error if error else float(np.sign(change))


def _calibration(champion: Scores, challenger: Scores, pair: Pair) -> Gate:
    declaration = pair.declaration
    task, margin = declaration.task, declaration.calibration_margin
    cells = pair.champion, pair.challenger
    if task.kind == "number" and task.coverage is not None:
        one, other = (abs(coverage(each) - task.coverage) for each in cells)
        what = f"Distance of the coverage from {task.coverage:.0%}"
    elif task.kind == "binary":
        one, other = map(calibration_error, cells)
        what = "Calibration error"
    elif declaration.confidence is not None:
        one, other = (
            calibration_error(confidence_cells(scores, declaration)[champion.unseen])
            for scores in (champion, challenger)
        )
        what = "Calibration error of the confidence"
    else:
        reason = "The declaration names no probability and no interval: nothing to compare."
        return Gate("calibration", True, reason, {})
    figures: dict[str, JsonValue] = {"champion": one, "challenger": other, "margin": margin}
    moved = f"{what}: {one:.4f} to {other:.4f}"
    if other > one + margin:
        return Gate("calibration", False, f"{moved}, worse by more than {margin:g}.", figures)
    return Gate("calibration", True, f"{moved}, not worse by more than {margin:g}.", figures)


def _golden(champion: Manifest, challenger: Manifest) -> Gate:
    changes, movements = find_changes(champion, challenger), find_movements(champion, challenger)
    figures: dict[str, JsonValue] = {"explained_by": list[JsonValue](changes)}
    if movements is None:
        reason = "The golden inputs are others, so that no movement can be compared."
        return Gate("golden", True, reason, figures)
    figures["outputs"] = {name: one._asdict() for name, one in movements.items()}
    moved = {name: one for name, one in movements.items() if one.moved}
    if not moved:
        return Gate("golden", True, "No golden answer moved.", figures)
    answers = ", ".join(
        f"{name} {one.moved} of {one.inputs}"
        + (f" (by up to {one.largest:.3g})" * (one.largest > 0))
        for name, one in moved.items()
    )
    if not changes:
        reason = (
            f"Golden answers moved: {answers}. Nothing recorded explains it: training data, "
            "parameters, code and libraries are the same. Make the training deterministic."
        )
        return Gate("golden", False, reason, figures)
    reason = f"Golden answers moved: {answers}. Different: {', '.join(changes)}."
    return Gate("golden", True, reason, figures)


def _size(champion: Manifest, challenger: Manifest, declaration: Declaration) -> Gate:
    # The profile describes rows and grows with their number. No answer needs it.
    one, other = (
        sum(file.size for name, file in manifest.files.items() if name != PROFILE_NAME)
        for manifest in (champion, challenger)
    )
    return _ratio("size", "bytes", one, other, declaration.size_ratio)


def latency(champion: Scores, challenger: Scores, declaration: Declaration) -> Gate:
    """The gate of the CPU time of single answers, by their medians."""
    one, other = (statistics.median(scores.cpu_us) for scores in (champion, challenger))
    return _ratio("latency", "µs of CPU time an answer", one, other, declaration.latency_ratio)


def _ratio(name: str, unit: str, one: float, other: float, bound: float) -> Gate:
    ratio = other / one if one else float("inf")
    figures: dict[str, JsonValue] = {
        "champion": one,
        "challenger": other,
        "ratio": ratio,
        "bound": bound,
    }
    moved = f"{one:,.0f} to {other:,.0f} {unit}, {ratio:.2f} times"
    if ratio > bound:
        return Gate(name, False, f"{moved}; at most {bound:g} times is allowed.", figures)
    return Gate(name, True, f"{moved}; {bound:g} times is allowed.", figures)
