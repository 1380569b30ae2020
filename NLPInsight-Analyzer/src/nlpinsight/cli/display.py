"""What commands print: explanations and reports."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nlpinsight.evaluation.evaluation import Report
from nlpinsight.schema import LABELS, Explanation, Sentiment


def show_explanation(sentiment: Sentiment, explanation: Explanation) -> None:
    """Print what each word of a text contributes, the largest first."""
    console = Console()
    scores = ", ".join(f"{label} {sentiment.all_scores[label]:.4f}" for label in LABELS)
    console.print(f"{sentiment.label} ({scores})")
    if sentiment.truncated:
        console.print(
            f"Only the first {sentiment.used:,} of {sentiment.total:,} {sentiment.unit} were read."
        )
    for warning in explanation.warnings:
        console.print(f"{warning.code}: {warning.message}")
    table = Table(title=f"Contributions to {explanation.label}", caption=explanation.method)
    table.add_column("word")
    table.add_column("contribution", justify="right")
    for word in sorted(explanation.words, key=lambda one: -abs(one.contribution)):
        # As text: a word such as [red] is not markup.
        table.add_row(Text(word.word), f"{word.contribution:+.4f}")
    table.add_section()
    if explanation.base is not None:
        table.add_row("base", f"{explanation.base:+.4f}")
    table.add_row("sum" if explanation.exact else "probability", f"{explanation.value:+.4f}")
    console.print(table)


def show_report(report: Report) -> None:
    """Print a report: the metrics, then the confusion matrix."""
    console = Console()
    evaluation = report.evaluation
    metrics = evaluation.metrics
    table = Table(title=f"{report.model} {report.model_version}")
    table.add_column("texts")
    for heading in ("count", "accuracy", "macro F1"):
        table.add_column(heading, justify="right")
    table.add_row("all", f"{metrics.texts:,}", f"{metrics.accuracy:.4f}", f"{metrics.macro_f1:.4f}")
    leakage = evaluation.leakage
    if leakage is not None and leakage.without is not None:
        table.add_row(
            "without near-duplicates of the training",
            f"{leakage.without.texts:,}",
            f"{leakage.without.accuracy:.4f}",
            f"{leakage.without.macro_f1:.4f}",
        )
    table.add_section()
    for band in evaluation.by_length:
        most = f"to {band.most}" if band.most else "or more"
        table.add_row(
            f"{band.least} {most} words",
            f"{band.texts:,}",
            f"{band.accuracy:.4f}",
            f"{band.macro_f1:.4f}",
        )
    console.print(table)
    confusion = Table(title="true label (rows), prediction (columns)")
    confusion.add_column("")
    for label in (*LABELS, "F1"):
        confusion.add_column(label, justify="right")
    for label, row in zip(LABELS, metrics.confusion, strict=True):
        f1 = metrics.labels[label].f1
        confusion.add_row(label, *map(str, row), "-" if f1 is None else f"{f1:.4f}")
    console.print(confusion)
    before = evaluation.reliability
    log_loss = f" ({before.uncalibrated_log_loss:.4f} uncalibrated)" if before else ""
    error = f" ({before.uncalibrated_error:.4f} uncalibrated)" if before else ""
    console.print(
        f"log loss {metrics.log_loss:.4f}{log_loss}, calibration error "
        f"{evaluation.calibration.error:.4f}{error}, "
        f"accuracy of always predicting the most frequent label {metrics.majority:.4f}"
    )
    if report.left_out is not None:
        left_out = report.left_out
        console.print(
            f"left out of the training: {left_out.held_out:,} that are held out, "
            f"{left_out.repeated:,} repetitions, {left_out.nothing_to_judge:,} with nothing to "
            "judge"
        )
    if nothing := report.data.get("nothing_to_judge"):
        console.print(f"left out of the evaluation: {nothing:,} texts with nothing to judge")
    for code, count in evaluation.warnings.items():
        console.print(f"{count:,} answers have the warning {code}")
