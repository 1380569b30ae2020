"""The trainings of a cross-validation, each on all texts but a fold, and the one on all texts.

Every text is answered once by a member that did not learn from it. Those answers calibrate the
model that is trained on all texts.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold
from tokenizers import Tokenizer

from nlpinsight.backends.calibration import HeldOut, softmax
from nlpinsight.backends.seen_tokens import SeenTokens
from nlpinsight.evaluation.reliability import log_loss
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.checkpoint import Checkpoint
from nlpinsight.training.finetuning.computing import logits
from nlpinsight.training.finetuning.loop import Progress, Training
from nlpinsight.training.finetuning.network import Network
from nlpinsight.training.finetuning.options import FinetuneOptions, Precision

__all__ = [
    "Figures",
    "FinalTraining",
    "Member",
    "TrainedMember",
    "cross_validated",
    "deal_folds",
    "figures_of",
    "train_member",
    "train_on_all",
]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """How right decisions are.

    Attributes:
        texts: How many were decided.
        accuracy: The share that got its label.
        macro_f1: The mean of the classes' F1.
        log_loss: Of their softmax, in nats.
    """

    texts: int
    accuracy: float
    macro_f1: float
    log_loss: float


@dataclass(frozen=True)
class Member:
    """What one fine-tuning did.

    Attributes:
        number: From 1.
        learned_from: How many texts it learned from.
        train_losses: The mean loss of each epoch.
        fold: How it answers the texts of its fold.
    """

    number: int
    learned_from: int
    train_losses: tuple[float, ...]
    fold: Figures


@dataclass(frozen=True)
class TrainedMember:
    """A member with its weights and its answers.

    Attributes:
        member: What it did.
        weights: Of its network.
        held_out: What it said about the texts of its fold.
        losses: Of every step.
        seconds: How long it took, without what a kill took away.
        resumed: How often it was continued after an interruption.
    """

    member: Member
    weights: dict[str, torch.Tensor]
    held_out: HeldOut
    losses: list[float]
    seconds: float
    resumed: int


@dataclass(frozen=True)
class FinalTraining:
    """What the training on all texts made.

    Attributes:
        weights: Of its network.
        train_losses: The mean loss of each epoch.
        losses: Of every step.
        seconds: How long it took, without what a kill took away.
        resumed: How often it was continued after an interruption.
    """

    weights: dict[str, torch.Tensor]
    train_losses: list[float]
    losses: list[float]
    seconds: float
    resumed: int


def deal_folds(targets: Rows, folds: int, *, seed: int) -> list[Rows]:
    """The rows of each fold: every row is in one, and each has its share of every label.

    Args:
        targets: The place of each text's label in `LABELS`.
        folds: How many.
        seed: Decides which row is in which fold.
    """
    dealer = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [fold for _, fold in dealer.split(targets, targets)]


def figures_of(targets: Rows, decisions: Floats) -> Figures:
    """How right decisions (texts x labels, before softmax) are."""
    answers = decisions.argmax(axis=1)
    return Figures(
        texts=len(targets),
        accuracy=float(accuracy_score(targets, answers)),
        macro_f1=float(f1_score(targets, answers, average="macro", zero_division=0)),
        log_loss=log_loss(targets, softmax(decisions)),
    )


def cross_validated(held_out: HeldOut) -> Figures:
    """How right answers are to the texts as they are, of models that did not learn from them."""
    plain = ~held_out.hidden
    return figures_of(held_out.targets[plain], held_out.decisions[plain])


def train_member(
    number: int,
    network: Network,
    tokenizer: Tokenizer,
    *,
    texts: Sequence[str],
    targets: Rows,
    fold: Rows,
    options: FinetuneOptions,
    checkpoint: Checkpoint,
    progress: Progress,
) -> TrainedMember:
    """Train a member, go on where it was interrupted, or load it where it is trained already.

    Args:
        number: Which one it is, from 1; with the options' seed, it decides what is random.
        network: The start. It is trained in place.
        tokenizer: The network's.
        texts: All texts, normalised.
        targets: The place of each one's label in `LABELS`.
        fold: The rows that it does not learn from.
        options: How to train.
        checkpoint: Where its state survives a kill.
        progress: Called after every step.

    Raises:
        DataError: The checkpoint holds another training's state.
    """
    saved = checkpoint.load()
    if saved is not None and "member" in saved:
        return _restored(saved)
    inside = np.setdiff1d(np.arange(len(texts)), fold)
    learned = [texts[row] for row in inside]
    training = Training(
        network,
        tokenize(tokenizer, learned, options.max_length),
        targets[inside],
        options.seed + number,
        options,
        progress,
    )
    training.run(checkpoint, saved)
    score = _Score(training.averaged, tokenizer, learned, options.max_length, options.precision)
    held_out = HeldOut.of(
        score, [texts[row] for row in fold], targets[fold], seed=options.seed + number
    )
    member = Member(
        number=number,
        learned_from=len(inside),
        train_losses=training.train_losses,
        fold=cross_validated(held_out),
    )
    trained = TrainedMember(
        member,
        training.averaged.state_dict(),
        held_out,
        training.losses,
        training.seconds,
        training.resumed,
    )
    checkpoint.save(_to_save(trained))
    return trained


def train_on_all(
    network: Network,
    tokens: list[list[int]],
    targets: Rows,
    *,
    options: FinetuneOptions,
    checkpoint: Checkpoint,
    progress: Progress,
) -> FinalTraining:
    """Train on all texts, go on where it was interrupted, or load what is trained already.

    Args:
        network: The start. It is trained in place.
        tokens: The identifiers of each text.
        targets: The place of each one's label in `LABELS`.
        options: How to train.
        checkpoint: Where the state survives a kill.
        progress: Called after every step.

    Raises:
        DataError: The checkpoint holds another training's state.
    """
    saved = checkpoint.load()
    if saved is None or "weights" not in saved:
        training = Training(network, tokens, targets, options.seed, options, progress)
        training.run(checkpoint, saved)
        saved = {
            "weights": training.averaged.state_dict(),
            "train_losses": list(training.train_losses),
            "losses": training.losses,
            "seconds": training.seconds,
            "resumed": training.resumed,
        }
        checkpoint.save(saved)
    return FinalTraining(**{field.name: saved[field.name] for field in fields(FinalTraining)})


class _Score:
    """A network as `nlpinsight.backends.calibration` asks it."""

    def __init__(
        self,
        network: Network,
        tokenizer: Tokenizer,
        learned: Sequence[str],
        max_length: int,
        precision: Precision,
    ) -> None:
        self._network, self._tokenizer = network, tokenizer
        self._max_length, self._precision = max_length, precision
        self._seen = SeenTokens.of(tokenizer, learned)

    def __call__(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        tokens = tokenize(self._tokenizer, texts, self._max_length)
        decisions = logits(self._network, tokens, precision=self._precision)
        return decisions, self._seen.shares(self._tokenizer, texts)


def _to_save(trained: TrainedMember) -> dict[str, Any]:
    held_out = trained.held_out
    return {
        "member": asdict(trained.member),
        "weights": trained.weights,
        "held_out": {
            name: torch.from_numpy(getattr(held_out, name))
            for name in ("decisions", "known", "targets", "hidden")
        },
        "losses": trained.losses,
        "seconds": trained.seconds,
        "resumed": trained.resumed,
    }


def _restored(saved: dict[str, Any]) -> TrainedMember:
    member = saved["member"]
    return TrainedMember(
        Member(**{**member, "fold": Figures(**member["fold"])}),
        saved["weights"],
        HeldOut(**{name: value.numpy() for name, value in saved["held_out"].items()}),
        saved["losses"],
        saved["seconds"],
        saved["resumed"],
    )
