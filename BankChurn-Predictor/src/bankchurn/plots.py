"""The ROC and calibration plots of a report.

matplotlib is for development only; a production environment writes the same figures' data as
JSON and leaves the pictures out.
"""

import importlib.util
import io
import logging
from typing import Final

from bankchurn.evaluation.metrics import Evaluation

__all__ = ["PLOTS", "draw_plots"]

logger = logging.getLogger(__name__)

ROC: Final = "roc.png"
CALIBRATION: Final = "calibration.png"
PLOTS: Final = (ROC, CALIBRATION)


def draw_plots(evaluation: Evaluation) -> dict[str, bytes]:
    """Draw ``roc.png`` and ``calibration.png``.

    Returns:
        The pictures by name: none where matplotlib is not installed, which is logged.
    """
    if importlib.util.find_spec("matplotlib") is None:
        logger.warning(
            "No plots were written: matplotlib is not installed (it is in requirements-dev.txt). "
            "The curves' data is in evaluation.json."
        )
        return {}
    return {
        ROC: _plot(
            x=evaluation.roc.false_positive_rate,
            y=evaluation.roc.true_positive_rate,
            labels=("False positive rate", "True positive rate"),
            title=f"ROC, AUC {_auc(evaluation)}",
        ),
        CALIBRATION: _plot(
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
    # The object interface and not pyplot: no display, no global state.
    from matplotlib.figure import Figure  # noqa: PLC0415 - not installed in production

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color="0.6", linewidth=1)
    axes.plot(x, y, marker=marker, color="#1f5a94")
    axes.set(xlabel=labels[0], ylabel=labels[1], title=title, xlim=(0, 1), ylim=(0, 1))
    # Without a date and version inside, the same model gives the same picture.
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120, metadata={"Software": None})
    return picture.getvalue()
