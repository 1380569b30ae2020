"""Tables for people: an explanation, and the report of a training."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bankchurn.schema import Customer, Explanation

if TYPE_CHECKING:
    from bankchurn.evaluate import TrainingReport

__all__ = ["show_explanation", "show_report"]


def show_explanation(customer: Customer, explanation: Explanation) -> None:
    """Print what each feature of a customer contributes, the greatest first."""
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


def show_report(report: "TrainingReport") -> None:
    """Print a report: the cross-validation, then the hold-out with its groups."""
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
    table = Table(title=f"{report.model_version}, threshold {report.threshold:.4f}")
    headings = ("customers", "group", "left", "AUC", "log loss", "selected", "TPR", "FPR")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "group" else "right")
    rows = [("all", report.evaluation.metrics)]
    rows += [
        (f"{group.attribute} {group.value}", group.metrics) for group in report.evaluation.groups
    ]
    for name, metrics in rows:
        table.add_row(
            f"{metrics.customers:,}",
            name,
            _rate(metrics.base_rate),
            _rate(metrics.auc, digits=4),
            f"{metrics.log_loss:.4f}",
            _rate(metrics.selection_rate),
            _rate(metrics.true_positive_rate),
            _rate(metrics.false_positive_rate),
        )
    console.print(table)


def _rate(value: float | None, *, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
