"""Trains the transformer back end, or exports a classifier that was fine-tuned elsewhere."""

import contextlib
import time
from dataclasses import asdict
from pathlib import Path

from pydantic import JsonValue
from servicekit.progress import Advance, silent

from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.metrics import measure
from nlpinsight.evaluation.reliability import describe_calibration
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.build import Built, build, export_classifier
from nlpinsight.training.finetuning.checkpoint import discard_all
from nlpinsight.training.finetuning.finetune import finetune
from nlpinsight.training.finetuning.members import cross_validated
from nlpinsight.training.finetuning.pool_fit import fit_pool
from nlpinsight.training.trained_model import TrainedModel, versions_of
from nlpinsight.training.weights import Weights


def train_transformer(
    training: Corpus,
    held_out: Corpus,
    *,
    weights: Weights,
    options: FinetuneOptions,
    work: Path,
    advance: Advance = silent,
) -> TrainedModel:
    """Fine-tune an encoder, export and quantize it, pool it with a linear model, calibrate it.

    Args:
        training: The texts to train on.
        held_out: Texts to compare int8 with fp32 on; nothing is chosen by them.
        weights: The encoder to start from.
        options: Training options.
        work: Folder for checkpoints.
        advance: Called after every step.

    Raises:
        DataError: There are too few texts, or `work` holds another training's checkpoints.
        QuantizationError: The int8 model answers differently too often.
    """
    tuned = finetune(
        training.texts,
        training.labels,
        weights=weights,
        options=options,
        work=work,
        advance=advance,
    )
    built = build(
        tuned.network,
        tuned.tokenizer,
        weights=weights,
        max_length=options.max_length,
        texts=held_out.texts,
    )
    fitted = fit_pool(training.texts, training.targets, tuned)
    parameters = {**_describe_weights(weights), **asdict(options)}
    libraries = versions_of(
        *("numpy", "onnxruntime", "scikit-learn", "scipy", "tokenizers", "torch", "transformers")
    )
    calibration = describe_calibration(fitted.calibrator, fitted.held_out)
    return TrainedModel(
        files=fitted.calibrator.add_to(fitted.pool.add_to(tuned.seen.add_to(built.files))),
        parameters=parameters,
        libraries=libraries,
        details={
            "parameters": parameters,
            "libraries": dict(libraries),
            **_describe_quantization(built, held_out),
            "members": [
                {**asdict(member), "train_losses": list(member.train_losses)}
                for member in tuned.members
            ],
            "train_losses": list(tuned.train_losses),
            "cross_validated": asdict(cross_validated(tuned.held_out)),
            "linear_weight": fitted.pool.weight,
            "pooled_cross_validated": asdict(cross_validated(fitted.held_out)),
            "calibration": calibration.model_dump(mode="json"),
            "seen_tokens": len(tuned.seen.identifiers),
            "resumed": tuned.resumed,
        },
        seconds=tuned.seconds,
    )


def export_transformer(held_out: Corpus, *, weights: Weights, max_length: int) -> TrainedModel:
    """Export and quantize a classifier that was fine-tuned elsewhere.

    Args:
        held_out: Texts to compare int8 with fp32 on.
        weights: The classifier.
        max_length: Maximum number of tokens of a text.

    Raises:
        DataError: Its classes differ from `LABELS`, or it cannot be loaded.
        QuantizationError: The int8 model answers differently too often.
    """
    began = time.perf_counter()
    built = export_classifier(weights, max_length=max_length, texts=held_out.texts)
    return TrainedModel(
        files=built.files,
        parameters={**_describe_weights(weights), "max_length": max_length},
        libraries=versions_of("numpy", "onnxruntime", "tokenizers", "torch", "transformers"),
        details=_describe_quantization(built, held_out),
        seconds=time.perf_counter() - began,
    )


def discard_work(work: Path) -> None:
    """Remove the checkpoints of a sealed model, and their folder if it is then empty."""
    discard_all(work)
    with contextlib.suppress(OSError):
        work.rmdir()


def _describe_weights(weights: Weights) -> dict[str, JsonValue]:
    return {
        "base": weights.name,
        "base_sha256": weights.sha256,
        "base_reading_sha256": dict(weights.reading),
        "revision": weights.revision,
    }


def _describe_quantization(built: Built, held_out: Corpus) -> dict[str, JsonValue]:
    fp32 = measure(held_out.targets, built.fp32.scores(held_out.texts))
    return {
        "int8_beside_fp32": built.agreement.model_dump(mode="json"),
        "fp32": {"accuracy": fp32.accuracy, "macro_f1": fp32.macro_f1},
    }
