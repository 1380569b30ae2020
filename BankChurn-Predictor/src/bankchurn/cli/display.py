"""What commands print: explanations, reports, notices."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bankchurn.evaluation.metrics import Metrics, TrainingReport
from bankchurn.responses import Explanation
from bankchurn.schema import NUMBERS, Customer

MAX_NAMES: Final = 10


def show_explanation(customer: Customer, explanation: Explanation) -> None:
    """Print what each feature of a customer contributes, the largest first."""
    table = Table(title=f"Compared with background {explanation.background_version}")
    table.add_column("feature")
    for heading in ("value", "log-odds", "probability"):
        table.add_column(heading, justify="right")
    contributions = explanation.log_odds_contributions
    for name in sorted(contributions, key=lambda one: -abs(contributions[one])):
        value = getattr(customer, name)
        table.add_row(
            name,
            "unknown" if value is None else str(value),
            f"{contributions[name]:+.4f}",
            f"{explanation.probability_contributions[name]:+.4f}",
        )
    table.add_section()
    table.add_row(
        "base", "", f"{explanation.base_log_odds:+.4f}", f"{explanation.base_probability:.4f}"
    )
    total = explanation.base_probability + sum(explanation.probability_contributions.values())
    table.add_row("sum", "", f"{explanation.log_odds:+.4f}", f"{total:.4f}")
    Console().print(table)


def show_report(report: TrainingReport) -> None:
    """Print a report: the cross-validation, then the hold-out set with its groups."""
    console = Console()
    if report.cross_validation:
        table = Table(title="Cross-validation, mean ± standard deviation over the folds")
        for heading in ("learner", "AUC", "log loss"):
            table.add_column(heading, justify="left" if heading == "learner" else "right")
        for name, score in report.cross_validation.items():
            table.add_row(
                name,
                f"{score.auc.mean:.4f} ± {score.auc.standard_deviation:.4f}",
                f"{score.log_loss.mean:.4f} ± {score.log_loss.standard_deviation:.4f}",
            )
        console.print(table)
    # Fits a terminal of 80 columns; all digits are in evaluation.json.
    table = Table(title=f"{report.model_version}, threshold {report.threshold:.4f}")
    table.add_column("group")
    for heading in ("customers", "left", "AUC", "log loss", "selected", "TPR", "FPR"):
        table.add_column(heading, justify="right")
    _add_metrics(table, "all", report.evaluation.metrics)
    for _, groups in groupby(report.evaluation.groups, key=lambda group: group.attribute):
        table.add_section()
        for group in groups:
            is_number = group.attribute in NUMBERS
            name = f"{group.attribute} {group.value}" if is_number else group.value
            _add_metrics(table, name, group.metrics)
    console.print(table)
    for notice in report.notices:
        console.print(f"Notice: {notice}", markup=False, highlight=False)


def show_ignored(columns: Sequence[str]) -> None:
    """Print the names of the columns that were ignored, if any."""
    if not columns:
        return
    shown = ", ".join(map(repr, columns[:MAX_NAMES]))
    more = f" and {len(columns) - MAX_NAMES:,} more" if len(columns) > MAX_NAMES else ""
    print(f"Notice: ignored {len(columns):,} columns that are not inputs: {shown}{more}")


def show_written(paths: Iterable[Path]) -> None:
    """Print which files were written."""
    print("Wrote " + ", ".join(map(str, paths)))


def _add_metrics(table: Table, name: str, metrics: Metrics) -> None:
    table.add_row(
        name,
        f"{metrics.customers:,}",
        _rate(metrics.base_rate),
        _rate(metrics.auc, digits=4),
        f"{metrics.log_loss:.4f}",
        _rate(metrics.selection_rate),
        _rate(metrics.true_positive_rate),
        _rate(metrics.false_positive_rate),
    )


def _rate(value: float | None, *, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
