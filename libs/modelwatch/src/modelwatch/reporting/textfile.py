"""Metrics of a report in Prometheus' text format, which the service publishes."""

import math
from collections.abc import Iterator
from typing import Final

from modelwatch.reporting.performance import Performance
from modelwatch.reporting.report import Report
from modelwatch.reporting.shadow import ShadowReport
from modelwatch.reporting.shadow_differences import NumberDifference

__all__ = ["render_metrics"]

_HELP: Final = {
    "modelwatch_report_timestamp_seconds": "Time of the latest report.",
    "modelwatch_window_rows": "Predictions in the window.",
    "modelwatch_truth_rows": "Predictions in the window whose outcome is known.",
    "modelwatch_drift": "1 if a column drifted, 0 if not; absent if the window is too small.",
    "modelwatch_drift_material": "1 if a column drifted enough to matter.",
    "modelwatch_psi": "Population stability index of a column.",
    "modelwatch_missing_ratio": "Share of missing values of a column.",
    "modelwatch_unseen_ratio": "Share of unseen levels, or of values out of the range.",
    "modelwatch_performance": "A metric of the predictions whose outcome is known.",
    "modelwatch_performance_low": "Lower end of the 95% interval of a metric.",
    "modelwatch_performance_high": "Upper end of the 95% interval of a metric.",
    "modelwatch_performance_worse": "1 if a metric is worse than when the model was evaluated.",
    "modelwatch_shadow_pairs": "Answers that the challenger in the shadow gave, too.",
    "modelwatch_shadow_ratio": "Their share of the answers.",
    "modelwatch_shadow_mean_difference": "Mean of challenger minus model in use.",
    "modelwatch_shadow_mean_absolute_difference": "Mean of the absolute differences.",
    "modelwatch_shadow_agreement": "Share of the pairs with the same category.",
    "modelwatch_shadow_metric": "A metric of both models on the same rows.",
    "modelwatch_shadow_gain": "By how much the challenger is better in a metric.",
    "modelwatch_shadow_gain_low": "Lower end of the 95% interval of the gain.",
    "modelwatch_shadow_gain_high": "Upper end of the 95% interval of the gain.",
}

_Sample = tuple[str, dict[str, str], float]


def render_metrics(report: Report, service: str) -> str:
    """The metrics of a report, one line each, with the label ``service``."""
    samples = sorted(_samples(report), key=lambda sample: list(_HELP).index(sample[0]))
    lines = []
    last = ""
    for name, labels, value in samples:
        if math.isnan(value):
            continue
        if name != last:
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
            last = name
        named = {"service": service} | labels
        inner = ",".join(f'{label}="{_escape(text)}"' for label, text in named.items())
        lines.append(f"{name}{{{inner}}} {value!r}")
    return "\n".join(lines) + "\n"


def _samples(report: Report) -> Iterator[_Sample]:
    yield "modelwatch_report_timestamp_seconds", {}, report.created
    yield "modelwatch_window_rows", {}, report.rows
    yield "modelwatch_truth_rows", {}, report.truth_rows
    for column, drift in report.drift.items():
        labels = {"column": column}
        if drift.state in {"drift", "steady"}:
            yield "modelwatch_drift", labels, int(drift.state == "drift")
            yield "modelwatch_drift_material", labels, int(drift.material)
            yield "modelwatch_missing_ratio", labels, drift.missing
            yield "modelwatch_unseen_ratio", labels, drift.unseen
        if drift.psi is not None:
            yield "modelwatch_psi", labels, drift.psi
    if report.performance:
        yield from _performance(report.performance, {})
    for feature, groups in report.groups.items():
        for name, performance in groups.items():
            yield from _performance(performance, {"feature": feature, "group": name})
    if report.shadow:
        yield from _shadow(report.shadow)


def _shadow(found: ShadowReport) -> Iterator[_Sample]:
    yield "modelwatch_shadow_pairs", {}, found.pairs
    yield "modelwatch_shadow_ratio", {}, found.share
    for output, one in found.outputs.items():
        labels = {"output": output}
        if isinstance(one, NumberDifference):
            yield "modelwatch_shadow_mean_difference", labels, one.mean
            yield "modelwatch_shadow_mean_absolute_difference", labels, one.mean_absolute
        else:
            yield "modelwatch_shadow_agreement", labels, one.agreement
    for metric, compared in found.metrics.items():
        labels = {"metric": metric}
        yield "modelwatch_shadow_metric", labels | {"model": "champion"}, compared.champion
        yield "modelwatch_shadow_metric", labels | {"model": "challenger"}, compared.challenger
        yield "modelwatch_shadow_gain", labels, compared.gain
        yield "modelwatch_shadow_gain_low", labels, compared.low
        yield "modelwatch_shadow_gain_high", labels, compared.high


def _performance(performance: Performance, labels: dict[str, str]) -> Iterator[_Sample]:
    for metric, estimate in performance.metrics.items():
        named = {"metric": metric} | labels
        yield "modelwatch_performance", named, estimate.value
        yield "modelwatch_performance_low", named, estimate.low
        yield "modelwatch_performance_high", named, estimate.high
        if estimate.worse is not None:
            yield "modelwatch_performance_worse", named, int(estimate.worse)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
