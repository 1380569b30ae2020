"""ROC and calibration plots. Needs matplotlib, which is for development only."""

import io

from matplotlib.figure import Figure

from bankchurn.evaluation.metrics import Evaluation


def draw_plots(evaluation: Evaluation) -> dict[str, bytes]:
    """Draw ``roc.png`` and ``calibration.png``; returns the PNG files by name."""
    return {
        "roc.png": _plot(
            x=evaluation.roc.false_positive_rate,
            y=evaluation.roc.true_positive_rate,
            labels=("False positive rate", "True positive rate"),
            title=f"ROC, AUC {_auc(evaluation)}",
        ),
        "calibration.png": _plot(
            x=evaluation.calibration.predicted,
            y=evaluation.calibration.observed,
            labels=("Mean predicted probability", "Share that left"),
            title=f"Calibration, log loss {evaluation.metrics.log_loss:.4f}",
            marker="o",
        ),
    }


def _auc(evaluation: Evaluation) -> str:
    auc = evaluation.metrics.auc
    return "undefined" if auc is None else f"{auc:.4f}"


def _plot(
    *,
    x: list[float],
    y: list[float],
    labels: tuple[str, str],
    title: str,
    marker: str = "",
) -> bytes:
    # The object interface, not pyplot: no display, no global state.
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color="0.6", linewidth=1)
    axes.plot(x, y, marker=marker, color="#1f5a94")
    axes.set(xlabel=labels[0], ylabel=labels[1], title=title, xlim=(0, 1), ylim=(0, 1))
    # Without date and version, the same model gives the same picture.
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120, metadata={"Software": None})
    return picture.getvalue()
