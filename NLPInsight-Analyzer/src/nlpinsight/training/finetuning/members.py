"""Members, each trained on all texts but one fold, and the network trained on all texts.

Every text is answered once by a member that was not trained on it. Those answers calibrate the
model that is trained on all texts.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from servicekit.progress import Advance
from sklearn.model_selection import StratifiedKFold
from tokenizers import Tokenizer

from nlpinsight.arrays import Float64Array, Int64Array
from nlpinsight.backends.calibration import HeldOut, softmax
from nlpinsight.backends.seen_tokens import SeenTokens
from nlpinsight.evaluation.metrics import measure
from nlpinsight.training.finetune_options import FinetuneOptions, Precision
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.checkpoint import Checkpoint
from nlpinsight.training.finetuning.computing import logits
from nlpinsight.training.finetuning.loop import TrainedNetwork, TrainingLoop
from nlpinsight.training.finetuning.network import Network


@dataclass(frozen=True)
class Figures:
    """Metrics of decisions.

    Attributes:
        texts: Number of texts.
        accuracy: Share of correct labels.
        macro_f1: Mean F1 of the labels.
        log_loss: Mean negative log-likelihood of the softmax, in nats.
    """

    texts: int
    accuracy: float
    macro_f1: float
    log_loss: float


@dataclass(frozen=True)
class Member:
    """Description of one member.

    Attributes:
        number: Number of the member, from 1.
        learned_from: Number of its training texts.
        train_losses: Mean loss of each epoch.
        fold: Metrics on the texts of its fold.
    """

    number: int
    learned_from: int
    train_losses: tuple[float, ...]
    fold: Figures


@dataclass(frozen=True)
class TrainedMember(TrainedNetwork):
    """A trained member.

    Attributes:
        member: Its description.
        held_out: Its answers to the texts of its fold.
    """

    member: Member
    held_out: HeldOut


def deal_folds(targets: Int64Array, folds: int, *, seed: int) -> list[Int64Array]:
    """The rows of each fold of a stratified split.

    Args:
        targets: Index of each text's label in `LABELS`.
        folds: Number of folds.
        seed: Random seed.
    """
    dealer = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [fold for _, fold in dealer.split(targets, targets)]


def figures_of(targets: Int64Array, decisions: Float64Array) -> Figures:
    """Compute the metrics of decisions (texts x labels, before softmax)."""
    metrics = measure(targets, softmax(decisions))
    return Figures(metrics.texts, metrics.accuracy, metrics.macro_f1, metrics.log_loss)


def cross_validated(held_out: HeldOut) -> Figures:
    """Metrics of answers to unchanged texts by models that were not trained on them."""
    plain = ~held_out.hidden
    return figures_of(held_out.targets[plain], held_out.decisions[plain])


def train_member(
    number: int,
    network: Network,
    tokenizer: Tokenizer,
    *,
    name: str,
    texts: Sequence[str],
    targets: Int64Array,
    fold: Int64Array,
    options: FinetuneOptions,
    checkpoint: Checkpoint,
    advance: Advance,
) -> TrainedMember:
    """Train a member, resume its training, or load it if it is trained.

    Args:
        number: Number of the member, from 1; it changes the random seed.
        network: The initial network, which is trained in place.
        tokenizer: The network's tokenizer.
        name: Name of the training, for progress.
        texts: All texts, normalised.
        targets: Index of each text's label in `LABELS`.
        fold: Rows that the member is not trained on.
        options: Training options.
        checkpoint: Where the state is saved.
        advance: Called after every step.

    Raises:
        DataError: The checkpoint holds another training's state.
    """
    saved = checkpoint.load()
    if saved is not None and "member" in saved:
        advance(len(saved["losses"]), name)
        return _restored(saved)
    inside = np.setdiff1d(np.arange(len(texts)), fold)
    learned = [texts[row] for row in inside]
    loop = TrainingLoop(
        name,
        network,
        tokenize(tokenizer, learned, options.max_length),
        targets[inside],
        options.seed + number,
        options,
        advance,
    )
    trained = loop.run(checkpoint, saved)
    score = _Score(loop.averaged, tokenizer, learned, options.max_length, options.precision)
    held_out = HeldOut.of(
        score, [texts[row] for row in fold], targets[fold], seed=options.seed + number
    )
    member = Member(
        number=number,
        learned_from=len(inside),
        train_losses=tuple(trained.train_losses),
        fold=cross_validated(held_out),
    )
    checkpoint.save(
        {
            **vars(trained),
            "member": asdict(member),
            "held_out": {name: torch.from_numpy(array) for name, array in vars(held_out).items()},
        }
    )
    return TrainedMember(**vars(trained), member=member, held_out=held_out)


def train_on_all(
    network: Network,
    tokens: list[list[int]],
    targets: Int64Array,
    *,
    name: str,
    options: FinetuneOptions,
    checkpoint: Checkpoint,
    advance: Advance,
) -> TrainedNetwork:
    """Train on all texts, resume the training, or load the result if it is trained.

    Args:
        network: The initial network, which is trained in place.
        tokens: Token identifiers of each text.
        targets: Index of each text's label in `LABELS`.
        name: Name of the training, for progress.
        options: Training options.
        checkpoint: Where the state is saved.
        advance: Called after every step.

    Raises:
        DataError: The checkpoint holds another training's state.
    """
    saved = checkpoint.load()
    if saved is not None and "weights" in saved:
        advance(len(saved["losses"]), name)
        return TrainedNetwork(**_network_of(saved))
    loop = TrainingLoop(name, network, tokens, targets, options.seed, options, advance)
    trained = loop.run(checkpoint, saved)
    checkpoint.save({**vars(trained)})
    return trained


class _Score:
    """A network as a `Score` function of `nlpinsight.backends.calibration`."""

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

    def __call__(self, texts: Sequence[str]) -> tuple[Float64Array, Float64Array]:
        tokens = tokenize(self._tokenizer, texts, self._max_length)
        decisions = logits(self._network, tokens, precision=self._precision)
        return decisions, self._seen.shares(self._tokenizer, texts)


def _network_of(saved: dict[str, Any]) -> dict[str, Any]:
    return {field.name: saved[field.name] for field in fields(TrainedNetwork)}


def _restored(saved: dict[str, Any]) -> TrainedMember:
    member = saved["member"]
    return TrainedMember(
        **_network_of(saved),
        member=Member(**{**member, "fold": Figures(**member["fold"])}),
        held_out=HeldOut(**{name: value.numpy() for name, value in saved["held_out"].items()}),
    )
