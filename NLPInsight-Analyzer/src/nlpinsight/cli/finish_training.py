"""The last steps of commands that make a model: evaluate, seal, report."""

from pathlib import Path

from servicekit.models import sealed_message
from servicekit.progress import progress

from nlpinsight.cli.display import show_report
from nlpinsight.data.corpus import Corpus
from nlpinsight.data.split import TrainingSet
from nlpinsight.report import write_report
from nlpinsight.training.evaluate_and_seal import evaluate_trained, seal
from nlpinsight.training.trained_model import TrainedModel


def finish_training(
    trained: TrainedModel,
    held_out: Corpus,
    training_set: TrainingSet | None,
    *,
    out: Path,
    reports: Path,
    model_version: str | None,
) -> None:
    """Evaluate a trained model, seal it, write the report and show it."""
    with progress("Evaluating", total=len(held_out), unit="texts") as advance:
        evaluated = evaluate_trained(
            trained, held_out, training_set, version_override=model_version, advance=advance
        )
        advance(0, "seal the model and check it in a fresh process")
        manifest = seal(evaluated, out)
    written = write_report(evaluated.report, reports)
    show_report(evaluated.report)
    print(f"\nBack end: {evaluated.report.model}\n{sealed_message(manifest, out)}\nWrote {written}")
