"""From labelled texts to a sealed model: hold out, leave out, make, evaluate, seal."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import modelseal
from modelseal import Manifest
from servicekit.files import DataError
from servicekit.training_rows import ROW_SKETCH, RowSketch

from nlpinsight.data.corpus import Corpus, LeftOut, judgeable, make_fit, split
from nlpinsight.data.leakage import digest_texts
from nlpinsight.evaluation.metrics import Report, evaluate
from nlpinsight.golden import make_golden_set
from nlpinsight.model import SentimentModel, load
from nlpinsight.schema import LABELS
from nlpinsight.training.trained_model import Made

__all__ = ["Learned", "Training", "finish", "make_ready", "seal"]

# A model of fewer would be about nothing.
MIN_PER_LABEL = 20


@dataclass(frozen=True)
class Learned:
    """What a model learns from.

    Attributes:
        corpus: The texts.
        left_out: How many were left out of them, and why.
    """

    corpus: Corpus
    left_out: LeftOut


@dataclass(frozen=True)
class Training:
    """What a training made.

    Attributes:
        model: The model in memory.
        made: Its files.
        report: What it is worth.
        sketch: Digests of the texts that it learned from; None where somebody else trained it.
    """

    model: SentimentModel
    made: Made
    report: Report
    sketch: RowSketch | None = None


def make_ready(corpus: Corpus, held_out: Corpus | None, *, seed: int) -> tuple[Learned, Corpus]:
    """Hold texts out where none are given, and leave out of the rest what would leak.

    Args:
        corpus: Texts to learn from.
        held_out: Texts to be measured on; a fifth of the corpus where there are none.
        seed: Of the choice of that fifth.

    Returns:
        What to learn from, and what to measure on.

    Raises:
        DataError: There are too few texts of a label.
    """
    if held_out is None:
        corpus, held_out = split(corpus, seed=seed)
    held_out = judgeable(held_out)
    training, left_out = make_fit(corpus, held_out)
    for label in LABELS:
        found = training.labels.count(label)
        if found < MIN_PER_LABEL:
            raise DataError(
                f"{training.source} has {found} {label} texts to learn from; training needs at "
                f"least {MIN_PER_LABEL}. Give more texts."
            )
    if not len(held_out):
        raise DataError(f"{held_out.source} has no text to judge. Give other texts to measure on.")
    return Learned(training, left_out), held_out


def finish(
    made: Made,
    held_out: Corpus,
    learned: Learned | None,
    *,
    version_override: str | None = None,
    progress: Callable[[int], object] = lambda _texts: None,
) -> Training:
    """Load what was made and measure it.

    Args:
        made: The model's files.
        held_out: The texts to measure it on.
        learned: What it learned from; None where somebody else trained it.
        version_override: The model's version, where it is not to be derived from its making.
        progress: Told how many texts more were answered.
    """
    sketch = RowSketch.of(digest_texts(learned.corpus.texts)) if learned else None
    # From the packed bytes, so that what is evaluated is what will be sealed.
    model = load(made.files)
    report = Report(
        model=model.backend,
        model_version=version_override or _version(made, learned),
        data=held_out.describe(),
        training=learned.corpus.describe() if learned else None,
        left_out=learned.left_out if learned else None,
        training_seconds=made.seconds,
        details=made.details,
        evaluation=evaluate(
            model,
            held_out,
            training=learned.corpus.texts if learned else None,
            overlap=sketch.overlap(digest_texts(held_out.texts)) if sketch else None,
            progress=progress,
        ),
    )
    return Training(model, made, report, sketch)


def seal(training: Training, destination: Path) -> Manifest:
    """Seal a trained model into a folder.

    Raises:
        modelseal.SealError: It cannot be sealed; the destination is as it was before.
    """
    report, metrics = training.report, training.report.evaluation.metrics
    return modelseal.seal(
        destination,
        name="nlpinsight",
        version=report.model_version,
        loader="nlpinsight",
        files=training.made.files,
        golden=make_golden_set(training.model),
        data={
            "held_out": report.data,
            "training": report.training,
            ROW_SKETCH: training.sketch.to_json() if training.sketch else None,
        },
        metrics={
            "accuracy": metrics.accuracy,
            "macro_f1": metrics.macro_f1,
            "log_loss": metrics.log_loss,
        },
        parameters={
            "backend": training.model.backend,
            **training.made.parameters,
            "libraries": dict(training.made.libraries),
        },
    )


def _version(made: Made, learned: Learned | None) -> str:
    """The package's version, and a digest of the texts, the choices and the libraries.

    The libraries, because the same choices on the same texts make another model under others.
    """
    made_of = [
        learned.corpus.fingerprint() if learned else None,
        made.parameters,
        made.libraries,
    ]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    return f"{version('nlpinsight')}+{digest.hexdigest()[:8]}"
