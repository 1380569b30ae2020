"""Making a model of labelled texts: one function per back end, each importing only its own.

Each gives the files to seal, and what there is to tell of how they were made.
"""

import contextlib
import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue
from servicekit.files import DataError

from nlpinsight.backends.calibration import base_rates_of, fit
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.metrics import measure
from nlpinsight.evaluation.reliability import describe_calibration
from nlpinsight.golden import golden_texts

if TYPE_CHECKING:
    from nlpinsight.training.finetuning.base import Weights
    from nlpinsight.training.finetuning.build import Built
    from nlpinsight.training.finetuning.options import FinetuneOptions

__all__ = [
    "Made",
    "check_training_environment",
    "discard_work",
    "make_exported",
    "make_tfidf",
    "make_transformer",
]

Steps = Callable[[int, int, str], None]
"""Told how many steps are done, of how many at most, and what is going on."""

TRAIN_ENVIRONMENT: Final = "make train-env-NLPInsight-Analyzer"


@dataclass(frozen=True)
class Made:
    """A model that can be sealed.

    Attributes:
        files: By name.
        parameters: What it was made with: with the texts, all that it depends on.
        libraries: The versions of what made it, on which it depends as well.
        details: What only this back end has to tell.
        seconds: How long it took.
    """

    files: dict[str, bytes]
    parameters: dict[str, JsonValue]
    libraries: dict[str, str]
    details: dict[str, JsonValue]
    seconds: float


def check_training_environment() -> None:
    """Refuse what needs torch where torch is not installed, and prepare for it where it is.

    To be called before anything is read, and before torch is imported.

    Raises:
        DataError: It is not; the message says what installs it.
    """
    if importlib.util.find_spec("torch") is None:
        raise DataError(
            "Fine-tuning and exporting need torch, which is not installed here and never where a "
            f"model is served. Install it from the root of the repository: {TRAIN_ENVIRONMENT}."
        )
    # Read when torch is loaded. By default its threads wait for each other by computing nothing as
    # fast as they can, which on a machine that has other work to do makes steps many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def make_tfidf(training: Corpus, held_out: Corpus) -> Made:
    """Fit the linear back end.

    Args:
        training: The texts to learn from.
        held_out: Texts that the pipeline and what is served of it must agree on.

    Raises:
        AgreementError: They do not.
    """
    from nlpinsight.backends import tfidf  # noqa: PLC0415 - scikit-learn
    from nlpinsight.training import linear_pipeline as pipeline  # noqa: PLC0415

    began = time.perf_counter()
    compared = (*held_out.texts, *golden_texts())
    fitted = pipeline.fit_pipeline(training.texts, training.targets)
    linear = pipeline.export(fitted, compared)
    unlearned = pipeline.cross_validate(training.texts, training.targets)
    calibrator = fit(unlearned, base_rates_of(training.targets))
    seconds = time.perf_counter() - began
    gap = pipeline.largest_difference(fitted, linear, compared)
    return Made(
        files=calibrator.add_to(tfidf.pack(linear, pipeline.to_joblib(fitted))),
        parameters=dict(pipeline.PARAMETERS),
        libraries=_versions("joblib", "numpy", "scikit-learn", "scipy"),
        details={
            "terms": linear.size,
            "largest_difference_from_pipeline": gap,
            "calibration": describe_calibration(calibrator, unlearned).model_dump(mode="json"),
        },
        seconds=seconds,
    )


def make_transformer(
    training: Corpus,
    held_out: Corpus,
    *,
    weights: "Weights",
    options: "FinetuneOptions",
    work: Path,
    progress: Steps,
) -> Made:
    """Fine-tune an encoder, export it, quantize it, pool it with a linear model, and calibrate it.

    Args:
        training: The texts to learn from.
        held_out: Texts to compare int8 with fp32 on; nothing is chosen by them.
        weights: The encoder to begin from.
        options: How to train.
        work: The folder for the state that survives a kill.
        progress: Called after every step.

    Raises:
        DataError: There are too few texts, or `work` holds another training's state.
        QuantizationError: In int8 the model says something else too often.
    """
    from nlpinsight.training.finetuning.build import build  # noqa: PLC0415 - torch
    from nlpinsight.training.finetuning.finetune import finetune  # noqa: PLC0415
    from nlpinsight.training.finetuning.members import cross_validated  # noqa: PLC0415
    from nlpinsight.training.finetuning.pool import fit_pool  # noqa: PLC0415

    tuned = finetune(
        training.texts,
        training.labels,
        weights=weights,
        options=options,
        work=work,
        progress=progress,
    )
    built = build(
        tuned.network,
        tuned.tokenizer,
        weights=weights,
        max_length=options.max_length,
        texts=held_out.texts,
    )
    fitted = fit_pool(training.texts, training.targets, tuned)
    parameters = {**_of_weights(weights), **asdict(options)}
    libraries = _versions(
        *("numpy", "onnxruntime", "scikit-learn", "scipy", "tokenizers", "torch", "transformers")
    )
    return Made(
        files=fitted.calibrator.add_to(fitted.pool.add_to(tuned.seen.add_to(built.files))),
        parameters=parameters,
        libraries=libraries,
        details={
            "parameters": parameters,
            "libraries": dict(libraries),
            **_of_quantization(built, held_out),
            "members": [
                {**asdict(member), "train_losses": list(member.train_losses)}
                for member in tuned.members
            ],
            "train_losses": list(tuned.train_losses),
            "cross_validated": asdict(cross_validated(tuned.held_out)),
            "linear_weight": fitted.pool.weight,
            "pooled_cross_validated": asdict(cross_validated(fitted.held_out)),
            "calibration": describe_calibration(fitted.calibrator, fitted.held_out).model_dump(
                mode="json"
            ),
            "seen_tokens": len(tuned.seen.identifiers),
            "resumed": tuned.resumed,
        },
        seconds=tuned.seconds,
    )


def make_exported(held_out: Corpus, *, weights: "Weights", max_length: int) -> Made:
    """Export and quantize a classifier that somebody has fine-tuned already.

    Args:
        held_out: Texts to compare int8 with fp32 on.
        weights: The classifier.
        max_length: How many tokens it is to read.

    Raises:
        DataError: Its classes are not ours, or it cannot be loaded.
        QuantizationError: In int8 the model says something else too often.
    """
    from nlpinsight.training.finetuning.build import export_classifier  # noqa: PLC0415 - torch

    began = time.perf_counter()
    built = export_classifier(weights, max_length=max_length, texts=held_out.texts)
    return Made(
        files=built.files,
        parameters={**_of_weights(weights), "max_length": max_length},
        libraries=_versions("numpy", "onnxruntime", "tokenizers", "torch", "transformers"),
        details=_of_quantization(built, held_out),
        seconds=time.perf_counter() - began,
    )


def discard_work(work: Path) -> None:
    """Remove the state of a training that is sealed, and its folder if nothing else is in it."""
    from nlpinsight.training.finetuning.checkpoint import discard_all  # noqa: PLC0415 - torch

    discard_all(work)
    with contextlib.suppress(OSError):
        work.rmdir()


def _of_weights(weights: "Weights") -> dict[str, JsonValue]:
    return {
        "base": weights.name,
        "base_sha256": weights.sha256,
        "base_reading_sha256": dict(weights.reading),
        "revision": weights.revision,
    }


def _of_quantization(built: "Built", held_out: Corpus) -> dict[str, JsonValue]:
    fp32 = measure(held_out.targets, built.fp32.scores(held_out.texts))
    return {
        "int8_beside_fp32": built.agreement.model_dump(mode="json"),
        "fp32": {"accuracy": fp32.accuracy, "macro_f1": fp32.macro_f1},
    }


def _versions(*distributions: str) -> dict[str, str]:
    return {name: version(name) for name in distributions}
