"""Fine-tuning: an encoder learns the three labels. A kill costs a few hundred steps at most.

The texts are dealt into folds, and for each an encoder is fine-tuned on all other texts. So every
text has an answer of a member that did not learn from it: those answers calibrate the model, and
say what the recipe is worth. The model itself is one more training from the same start, on all
texts.

The same texts, options and versions give the same weights, bit for bit, whether or not the
training was interrupted: the order of the texts follows from the seed and the epoch, and the state
of everything else that is random is part of the checkpoint.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tokenizers
import torch
import transformers
from servicekit.files import DataError
from tokenizers import Tokenizer

from nlpinsight.backends.calibration import HeldOut
from nlpinsight.backends.seen_tokens import SeenTokens
from nlpinsight.schema import LABELS, Label
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetuning.base import Weights
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.checkpoint import Checkpoint
from nlpinsight.training.finetuning.computing import torch_threads
from nlpinsight.training.finetuning.loop import Progress, silent
from nlpinsight.training.finetuning.members import (
    FinalTraining,
    Member,
    TrainedMember,
    deal_folds,
    train_member,
    train_on_all,
)
from nlpinsight.training.finetuning.network import Network, load_encoder, load_tokenizer
from nlpinsight.training.finetuning.options import FinetuneOptions

Rows = npt.NDArray[np.int64]

__all__ = ["Finetuned", "finetune"]

# Fewer of a class cannot be split so that some are held out.
MIN_PER_CLASS: Final = 20


@dataclass(frozen=True)
class Finetuned:
    """What a training made.

    Attributes:
        network: That of the training on all texts.
        tokenizer: Of the base; it cuts as the training cut.
        weights: What it began from.
        options: How it was trained.
        seen: The tokens of the texts that it learned from.
        members: What each of the trainings without a fold did.
        member_weights: Of each of them.
        train_losses: The mean loss of each epoch of the training on all texts.
        held_out: What the members said about the texts that they did not learn from.
        losses: Of every step of every training.
        seconds: How long it took, without what a kill took away.
        resumed: How often it was continued after an interruption.
    """

    network: Network
    tokenizer: Tokenizer
    weights: Weights
    options: FinetuneOptions
    seen: SeenTokens
    members: tuple[Member, ...]
    member_weights: tuple[dict[str, torch.Tensor], ...]
    train_losses: list[float]
    held_out: HeldOut
    losses: tuple[float, ...]
    seconds: float
    resumed: int


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
        progress: Called after every step.

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
        start = {name: value.clone() for name, value in network.state_dict().items()}
        read = normalise_all(texts)
        targets = np.array([LABELS.index(label) for label in labels], dtype=np.int64)
        identity = _identity(texts, labels, weights, options)
        folds = deal_folds(targets, options.folds, seed=options.seed)
        steps = _Steps(folds, len(texts), options, progress)
        trained = []
        for number, fold in enumerate(folds, start=1):
            network.load_state_dict(start)
            trained.append(
                train_member(
                    number,
                    network,
                    tokenizer,
                    texts=read,
                    targets=targets,
                    fold=fold,
                    options=options,
                    checkpoint=Checkpoint(work, identity, f"member-{number}"),
                    progress=steps.of(number, f"member {number} of {len(folds)}"),
                )
            )
        network.load_state_dict(start)
        final = train_on_all(
            network,
            tokenize(tokenizer, read, options.max_length),
            targets,
            options=options,
            checkpoint=Checkpoint(work, identity, "final"),
            progress=steps.of(len(folds) + 1, "all texts"),
        )
        seen = SeenTokens.of(tokenizer, read)
    network.load_state_dict(final.weights)
    network.eval()
    runs: list[TrainedMember | FinalTraining] = [*trained, final]
    return Finetuned(
        network=network,
        tokenizer=tokenizer,
        weights=weights,
        options=options,
        seen=seen,
        members=tuple(one.member for one in trained),
        member_weights=tuple(one.weights for one in trained),
        held_out=HeldOut.joined([one.held_out for one in trained]),
        train_losses=final.train_losses,
        losses=tuple(loss for one in runs for loss in one.losses),
        seconds=sum(one.seconds for one in runs),
        resumed=sum(one.resumed for one in runs),
    )


class _Steps:
    """Progress over the steps of all trainings, one after the other."""

    def __init__(
        self, folds: Sequence[Rows], texts: int, options: FinetuneOptions, progress: Progress
    ) -> None:
        learned = [*(texts - len(fold) for fold in folds), texts]
        self._steps = [options.epochs * ceil(rows / options.batch_size) for rows in learned]
        self._progress = progress

    def of(self, number: int, name: str) -> Progress:
        before, total = sum(self._steps[: number - 1]), sum(self._steps)

        def progress(done: int, _total: int, what: str) -> None:
            self._progress(before + done, total, f"{name}, {what}")

        return progress


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
        # How often it saves may change under way.
        {k: v for k, v in asdict(options).items() if k != "checkpoint_steps"},
        [module.__version__ for module in (np, tokenizers, torch, transformers)],
    ]
    digest.update(json.dumps(made_of, sort_keys=True).encode())
    return digest.hexdigest()
