"""The ROC and calibration plots of a report.

matplotlib is for development only; a production environment writes the same figures' data as
JSON and leaves the pictures out.
"""

import importlib.util
import logging
from pathlib import Path

from bankchurn.evaluate import Evaluation

__all__ = ["write_plots"]

logger = logging.getLogger(__name__)


def write_plots(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write ``roc.png`` and ``calibration.png``.

    Returns:
        What was written: nothing where matplotlib is not installed, which is logged.
    """
    if importlib.util.find_spec("matplotlib") is None:
        logger.warning(
            "No plots were written: matplotlib is not installed (it is in requirements-dev.txt). "
            "The curves' data is in evaluation.json."
        )
        return []
    return [
        _plot(
            folder / "roc.png",
            x=evaluation.roc.false_positive_rate,
            y=evaluation.roc.true_positive_rate,
            labels=("False positive rate", "True positive rate"),
            title=f"ROC, AUC {_auc(evaluation)}",
        ),
        _plot(
            folder / "calibration.png",
            x=evaluation.calibration.predicted,
            y=evaluation.calibration.observed,
            labels=("Mean predicted probability", "Share that left"),
            title=f"Calibration, log loss {evaluation.metrics.log_loss:.4f}",
            marker="o",
        ),
    ]


def _auc(evaluation: Evaluation) -> str:
    auc = evaluation.metrics.auc
    return "undefined" if auc is None else f"{auc:.4f}"


def _plot(
    path: Path,
    *,
    x: list[float],
    y: list[float],
    labels: tuple[str, str],
    title: str,
    marker: str = "",
) -> Path:
    # The object interface and not pyplot: no display, no global state.
    from matplotlib.figure import Figure  # noqa: PLC0415 - not installed in production

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color="0.6", linewidth=1)
    axes.plot(x, y, marker=marker, color="#1f5a94")
    axes.set(xlabel=labels[0], ylabel=labels[1], title=title, xlim=(0, 1), ylim=(0, 1))
    # Without a date and version inside, the same model gives the same picture.
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return path
