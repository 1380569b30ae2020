"""Fine-tunes an encoder on labelled texts, with checkpoints.

The texts are split into folds; for each fold, a member is fine-tuned on all other texts. Every text
is thus answered by a member that was not trained on it; those answers calibrate the model and
measure the recipe. The model itself is fine-tuned from the same start on all texts.

The same texts, options and versions give the same weights, bit for bit, even after an interruption:
the order of the texts follows from the seed and the epoch, and checkpoints hold all other random
state.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import tokenizers
import torch
import transformers
from servicekit.files import DataError
from servicekit.progress import Advance, silent
from tokenizers import Tokenizer

from nlpinsight.arrays import Int64Array
from nlpinsight.backends.calibration import HeldOut
from nlpinsight.backends.seen_tokens import SeenTokens
from nlpinsight.schema import LABELS, Label
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.batches import tokenize
from nlpinsight.training.finetuning.checkpoint import Checkpoint
from nlpinsight.training.finetuning.computing import torch_threads
from nlpinsight.training.finetuning.members import Member, deal_folds, train_member, train_on_all
from nlpinsight.training.finetuning.network import Network, load_encoder, load_tokenizer
from nlpinsight.training.weights import Weights

# Minimum number of texts of each label.
MIN_PER_CLASS: Final = 20


@dataclass(frozen=True)
class Finetuned:
    """The result of fine-tuning.

    Attributes:
        network: The network trained on all texts.
        tokenizer: Tokenizer of the base.
        weights: The weights it was fine-tuned from.
        options: Training options.
        seen: The words of the training texts.
        members: Descriptions of the members.
        member_weights: Weights of the members.
        train_losses: Mean loss of each epoch of the training on all texts.
        held_out: The members' answers to texts that they were not trained on.
        losses: Loss of every step of every training.
        seconds: Duration, without steps that an interruption lost.
        resumed: Number of interruptions.
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
    advance: Advance = silent,
) -> Finetuned:
    """Fine-tune an encoder, or resume an interrupted training.

    Args:
        texts: Raw texts.
        labels: One label per text.
        weights: The encoder to start from.
        options: Training options.
        work: Folder for checkpoints.
        advance: Called after every step; see `total_steps`.

    Raises:
        DataError: There are too few texts, or `work` holds another training's checkpoints.
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
        trained = []
        for number, fold in enumerate(folds, start=1):
            network.load_state_dict(start)
            trained.append(
                train_member(
                    number,
                    network,
                    tokenizer,
                    name=f"member {number} of {len(folds)}",
                    texts=read,
                    targets=targets,
                    fold=fold,
                    options=options,
                    checkpoint=Checkpoint(work, identity, f"member-{number}"),
                    advance=advance,
                )
            )
        network.load_state_dict(start)
        final = train_on_all(
            network,
            tokenize(tokenizer, read, options.max_length),
            targets,
            name="all texts",
            options=options,
            checkpoint=Checkpoint(work, identity, "final"),
            advance=advance,
        )
        seen = SeenTokens.of(tokenizer, read)
    network.load_state_dict(final.weights)
    network.eval()
    runs = [*trained, final]
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


def total_steps(targets: Int64Array, options: FinetuneOptions) -> int:
    """The number of steps of all trainings of `finetune`.

    Args:
        targets: Index of each text's label in `LABELS`.
        options: Training options.
    """
    folds = deal_folds(targets, options.folds, seed=options.seed)
    trained_on = [*(len(targets) - len(fold) for fold in folds), len(targets)]
    return sum(options.epochs * ceil(rows / options.batch_size) for rows in trained_on)


def _check_classes(labels: Sequence[Label]) -> None:
    few = [
        f"{labels.count(label)} {label}" for label in LABELS if labels.count(label) < MIN_PER_CLASS
    ]
    if few:
        raise DataError(
            f"There are only {', '.join(few)} texts; fine-tuning needs at least {MIN_PER_CLASS} of "
            "each label. Give more texts."
        )


def _identity(
    texts: Sequence[str], labels: Sequence[Label], weights: Weights, options: FinetuneOptions
) -> str:
    """A digest of everything that the result of a training depends on."""
    digest = hashlib.sha256()
    for text, label in zip(texts, labels, strict=True):
        digest.update(json.dumps([text, label]).encode())
    made_of = [
        weights.sha256,
        dict(weights.reading),
        # The interval of checkpoints may change in between.
        {k: v for k, v in asdict(options).items() if k != "checkpoint_steps"},
        [module.__version__ for module in (np, tokenizers, torch, transformers)],
    ]
    digest.update(json.dumps(made_of, sort_keys=True).encode())
    return digest.hexdigest()
