"""Fine-tuning: an encoder learns the three labels. A kill costs a few hundred steps at most.

The texts are dealt into folds. For each fold an encoder is fine-tuned, from the same start, on all
other texts; the mean of the weights of these members is the model. It has learned from every text,
costs as much as one of them when it serves, and every text has an answer of a member that did not
learn from it: those answers calibrate the model, and say what the recipe is worth.

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

from nlpinsight.calibration import HeldOut
from nlpinsight.schema import LABELS, Label
from nlpinsight.seen_tokens import SeenTokens
from nlpinsight.text import normalise_all
from nlpinsight.training.base import Weights
from nlpinsight.training.checkpoint import Checkpoint
from nlpinsight.training.computing import mean_of_weights, torch_threads
from nlpinsight.training.loop import Progress, silent
from nlpinsight.training.members import (
    Figures,
    Member,
    deal_folds,
    figures_of,
    train_member,
)
from nlpinsight.training.network import Network, load_encoder, load_tokenizer
from nlpinsight.training.options import FinetuneOptions

Rows = npt.NDArray[np.int64]

__all__ = ["Finetuned", "finetune"]

# Fewer of a class cannot be split so that some are held out.
MIN_PER_CLASS: Final = 20


@dataclass(frozen=True)
class Finetuned:
    """What a training made.

    Attributes:
        network: With the mean of the members' weights.
        tokenizer: Of the base; it cuts as the training cut.
        weights: What it began from.
        options: How it was trained.
        seen: The tokens of the texts that it learned from.
        members: What each of the fine-tunings did.
        member_weights: Of each of them.
        held_out: What the members said about the texts that they did not learn from.
        losses: Of every step of every member.
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
    held_out: HeldOut
    losses: tuple[float, ...]
    seconds: float
    resumed: int

    @property
    def cross_validated(self) -> Figures:
        """How right the members are on the texts that they did not learn from."""
        plain = ~self.held_out.hidden
        return figures_of(self.held_out.targets[plain], self.held_out.decisions[plain])


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
                    checkpoint=Checkpoint(work, identity, number),
                    progress=steps.of_member(number),
                )
            )
        seen = SeenTokens.of(tokenizer, read)
    network.load_state_dict(mean_of_weights([one.weights for one in trained]))
    network.eval()
    return Finetuned(
        network=network,
        tokenizer=tokenizer,
        weights=weights,
        options=options,
        seen=seen,
        members=tuple(one.member for one in trained),
        member_weights=tuple(one.weights for one in trained),
        held_out=HeldOut.joined([one.held_out for one in trained]),
        losses=tuple(loss for one in trained for loss in one.losses),
        seconds=sum(one.seconds for one in trained),
        resumed=sum(one.resumed for one in trained),
    )


class _Steps:
    """Progress over the steps of all members."""

    def __init__(
        self, folds: Sequence[Rows], texts: int, options: FinetuneOptions, progress: Progress
    ) -> None:
        self._steps = [
            options.epochs * ceil((texts - len(fold)) / options.batch_size) for fold in folds
        ]
        self._progress = progress

    def of_member(self, number: int) -> Progress:
        before, total = sum(self._steps[: number - 1]), sum(self._steps)

        def progress(done: int, _total: int, what: str) -> None:
            self._progress(before + done, total, f"member {number} of {len(self._steps)}, {what}")

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
