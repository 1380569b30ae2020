"""Evaluates a trained model and seals it."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import modelseal
from modelseal import Manifest
from modelwatch.profile import PROFILE_NAME, ReferenceProfile
from servicekit.progress import Advance, silent
from servicekit.training_rows import ROW_SKETCH, RowSketch

from nlpinsight.data.corpus import Corpus
from nlpinsight.data.leakage import digest_texts
from nlpinsight.data.split import TrainingSet
from nlpinsight.evaluation.evaluation import Report, evaluate
from nlpinsight.golden import make_golden_set
from nlpinsight.model import SentimentModel, load
from nlpinsight.training.reference_profile import reference_profile
from nlpinsight.training.trained_model import TrainedModel


@dataclass(frozen=True)
class EvaluatedModel:
    """A trained model with its metrics.

    Attributes:
        model: The model, loaded from its files.
        trained: Its files, and how it was trained.
        report: Its metrics.
        reference: Profile of the texts that it was evaluated on, and of its answers.
        sketch: Digests of its training texts; None if it was trained elsewhere.
    """

    model: SentimentModel
    trained: TrainedModel
    report: Report
    reference: ReferenceProfile
    sketch: RowSketch | None = None


def evaluate_trained(
    trained: TrainedModel,
    held_out: Corpus,
    training_set: TrainingSet | None,
    *,
    version_override: str | None = None,
    advance: Advance = silent,
) -> EvaluatedModel:
    """Load and evaluate a trained model.

    Args:
        trained: The model's files.
        held_out: The texts to evaluate on.
        training_set: The texts that it was trained on; None if it was trained elsewhere.
        version_override: Version of the model; derived from texts, options and libraries if None.
        advance: Called with the number of texts answered.
    """
    corpus = training_set.corpus if training_set else None
    sketch = RowSketch.of(digest_texts(corpus.texts)) if corpus else None
    # From the packed bytes, so that the evaluated model is the one that will be sealed.
    model = load(trained.files)
    report = Report(
        model=model.backend,
        model_version=version_override or _version(trained, corpus),
        data=held_out.describe(),
        training=corpus.describe() if corpus else None,
        left_out=training_set.left_out if training_set else None,
        training_seconds=trained.seconds,
        details=trained.details,
        evaluation=evaluate(
            model,
            held_out,
            training=corpus.texts if corpus else None,
            overlap=sketch.overlap(digest_texts(held_out.texts)) if sketch else None,
            advance=advance,
        ),
    )
    reference = reference_profile(model, held_out, report.evaluation.metrics)
    return EvaluatedModel(model, trained, report, reference, sketch)


def seal(evaluated: EvaluatedModel, destination: Path) -> Manifest:
    """Seal an evaluated model into a folder.

    Raises:
        SealError: It cannot be sealed; the destination is unchanged.
    """
    report, trained = evaluated.report, evaluated.trained
    return modelseal.seal(
        destination,
        name="nlpinsight",
        version=report.model_version,
        loader="nlpinsight",
        files=trained.files | {PROFILE_NAME: evaluated.reference.model_dump_json().encode()},
        golden=make_golden_set(evaluated.model),
        data={
            "held_out": report.data,
            "training": report.training,
            ROW_SKETCH: evaluated.sketch.to_json() if evaluated.sketch else None,
        },
        metrics=report.evaluation.metrics.model_dump(include={"accuracy", "macro_f1", "log_loss"}),
        parameters={
            "backend": evaluated.model.backend,
            **trained.parameters,
            "libraries": dict(trained.libraries),
        },
    )


def _version(trained: TrainedModel, corpus: Corpus | None) -> str:
    """The package's version and a digest of the texts, the options and the libraries.

    The libraries count because others train another model on the same texts.
    """
    made_of = [corpus.fingerprint() if corpus else None, trained.parameters, trained.libraries]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    return f"{version('nlpinsight')}+{digest.hexdigest()[:8]}"
