"""Fine-tuning: an encoder learns the three labels. A kill costs a few hundred steps at most.

The same texts, options and versions give the same weights, bit for bit, whether or not the
training was interrupted: the order of the texts follows from the seed and the epoch, and the state
of everything else that is random is part of the checkpoint.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import tokenizers
import torch
import transformers
from servicekit.files import DataError
from tokenizers import Tokenizer

from nlpinsight.schema import LABELS, Label
from nlpinsight.text import normalise_all
from nlpinsight.training.base import Weights
from nlpinsight.training.checkpoint import Checkpoint
from nlpinsight.training.computing import torch_threads
from nlpinsight.training.loop import Epoch, Progress, Training, silent
from nlpinsight.training.network import Network, load_encoder, load_tokenizer
from nlpinsight.training.options import FinetuneOptions

__all__ = ["Finetuned", "finetune", "tokenize"]

# Fewer of a class cannot be split so that some are held out.
MIN_PER_CLASS: Final = 20


@dataclass(frozen=True)
class Finetuned:
    """What a training made.

    Attributes:
        network: With the weights of the best epoch.
        tokenizer: Of the base, neither cutting nor padding.
        weights: What it began from.
        options: How it was trained.
        epochs: What each of them did.
        best_epoch: The number of the one that was kept.
        losses: Of every step.
        seconds: How long it took, without what a kill took away.
        resumed: How often it was continued after an interruption.
        train_rows: How many texts it learned from.
        holdout_rows: How many were held out, to choose the epoch.
    """

    network: Network
    tokenizer: Tokenizer
    weights: Weights
    options: FinetuneOptions
    epochs: tuple[Epoch, ...]
    best_epoch: int
    losses: tuple[float, ...]
    seconds: float
    resumed: int
    train_rows: int
    holdout_rows: int


def finetune(
    texts: Sequence[str],
    labels: Sequence[Label],
    *,
    weights: Weights,
    options: FinetuneOptions,
    work: Path,
    progress: Progress = silent,
) -> Finetuned:
    """Fine-tune an encoder, or go on where an interrupted training of the same kind stopped.

    Args:
        texts: Raw; they are normalised as in every request.
        labels: One per text.
        weights: The encoder to begin from.
        options: How to train.
        work: The folder for the state that survives a kill.
        progress: Told after every step.

    Raises:
        DataError: There are too few texts, or `work` holds another training's state.
    """
    _check_classes(labels)
    with torch_threads(options.threads):
        torch.manual_seed(options.seed)
        tokenizer = load_tokenizer(weights)
        network = load_encoder(weights)
        if options.max_length > network.positions:
            raise DataError(
                f"{weights.name} reads at most {network.positions} tokens, fewer than the "
                f"{options.max_length} that max_length asks for."
            )
        tokens = tokenize(tokenizer, normalise_all(texts), options.max_length)
        targets = np.array([LABELS.index(label) for label in labels], dtype=np.int64)
        training = Training(network, tokens, targets, options, progress)
        checkpoint = Checkpoint(work, _identity(texts, labels, weights, options))
        training.run(checkpoint)
    network.load_state_dict(training.best["network"])
    network.eval()
    return Finetuned(
        network=network,
        tokenizer=tokenizer,
        weights=weights,
        options=options,
        epochs=tuple(training.epochs),
        best_epoch=training.best["epoch"],
        losses=tuple(training.losses),
        seconds=training.seconds,
        resumed=training.resumed,
        train_rows=len(training.inside),
        holdout_rows=len(training.outside),
    )


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """The identifiers of normalised texts, cut as the service cuts them."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def _check_classes(labels: Sequence[Label]) -> None:
    few = [
        f"{labels.count(label)} {label}" for label in LABELS if labels.count(label) < MIN_PER_CLASS
    ]
    if few:
        raise DataError(
            f"There are only {', '.join(few)} texts; fine-tuning needs {MIN_PER_CLASS} of each "
            "class at least. Give more texts."
        )


def _identity(
    texts: Sequence[str], labels: Sequence[Label], weights: Weights, options: FinetuneOptions
) -> str:
    """What a training is of, as one digest: all that its result depends on."""
    digest = hashlib.sha256()
    for text, label in zip(texts, labels, strict=True):
        digest.update(json.dumps([text, label]).encode())
    made_of = [
        weights.sha256,
        dict(weights.reading),
        # How often it saves and how long it waits for a better epoch may change under way.
        {k: v for k, v in asdict(options).items() if k not in {"checkpoint_steps", "patience"}},
        [module.__version__ for module in (np, tokenizers, torch, transformers)],
    ]
    digest.update(json.dumps(made_of, sort_keys=True).encode())
    return digest.hexdigest()
