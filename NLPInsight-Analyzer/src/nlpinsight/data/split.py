"""Splits labelled texts into training and held-out texts, without leakage."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from servicekit.files import DataError

from nlpinsight.data.corpus import Corpus, judgeable
from nlpinsight.data.leakage import wording
from nlpinsight.schema import LABELS, Label

MIN_PER_LABEL: Final = 20


class LeftOut(BaseModel):
    """Numbers of texts that were left out of a training.

    Attributes:
        nothing_to_judge: Texts that are empty once normalised, mostly a URL alone.
        repeated: Texts with the words and the label of an earlier one.
        held_out: Texts with the words of a held-out one, which would leak.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nothing_to_judge: int
    repeated: int
    held_out: int


@dataclass(frozen=True)
class TrainingSet:
    """The texts to train on.

    Attributes:
        corpus: The texts.
        left_out: Numbers of texts that were left out.
    """

    corpus: Corpus
    left_out: LeftOut


def split_and_filter(
    corpus: Corpus, held_out: Corpus | None, *, seed: int
) -> tuple[TrainingSet, Corpus]:
    """Split off held-out texts unless they are given, and filter the training texts.

    Args:
        corpus: Texts to train on.
        held_out: Texts to evaluate on; a fifth of the corpus if None.
        seed: Random seed of the split.

    Returns:
        The training set, and the held-out texts.

    Raises:
        DataError: A label has too few texts.
    """
    if held_out is None:
        corpus, held_out = split(corpus, seed=seed)
    held_out = judgeable(held_out)
    training, left_out = filter_training(corpus, held_out)
    for label in LABELS:
        found = training.labels.count(label)
        if found < MIN_PER_LABEL:
            raise DataError(
                f"{training.source} has {found} {label} texts to train on; at least "
                f"{MIN_PER_LABEL} are needed. Give more texts."
            )
    if not len(held_out):
        raise DataError(f"{held_out.source} has no text to judge. Give other held-out texts.")
    return TrainingSet(training, left_out), held_out


def filter_training(training: Corpus, held_out: Corpus) -> tuple[Corpus, LeftOut]:
    """Leave out training texts that are empty, repeated, or held out.

    Args:
        training: The texts to train on.
        held_out: The texts to evaluate on; they are not changed.

    Returns:
        The texts to train on, and how many were left out.
    """
    fit = judgeable(training)
    unseen = {wording(text) for text in held_out.texts}
    kept: list[int] = []
    known: set[tuple[str, Label]] = set()
    leaking = 0
    for index, (text, label) in enumerate(zip(fit.texts, fit.labels, strict=True)):
        words = wording(text)
        if words in unseen:
            leaking += 1
        elif (words, label) not in known:
            known.add((words, label))
            kept.append(index)
    return fit.only(kept), LeftOut(
        nothing_to_judge=len(training) - len(fit),
        held_out=leaking,
        repeated=len(fit) - leaking - len(kept),
    )


def split(corpus: Corpus, *, share: float = 0.2, seed: int = 42) -> tuple[Corpus, Corpus]:
    """Hold out a share of each label. Texts with the same words stay on one side.

    Returns:
        The texts to train on, and the held-out texts.

    Raises:
        DataError: A label has too few texts for both sides.
    """
    random = np.random.default_rng(seed)
    groups: dict[Label, dict[str, list[int]]] = {label: {} for label in LABELS}
    first: dict[str, Label] = {}
    for index, (text, label) in enumerate(zip(corpus.texts, corpus.labels, strict=True)):
        words = wording(text)
        groups[first.setdefault(words, label)].setdefault(words, []).append(index)
    outside: list[int] = []
    for label, members in groups.items():
        size = round(share * len(members))
        if not 0 < size < len(members):
            raise DataError(
                f"{corpus.source} has {len(members)} different {label} texts; too few to hold some "
                "out. Give more texts, or a file of held-out texts."
            )
        for chosen in random.permutation(len(members))[:size].tolist():
            outside += list(members.values())[chosen]
    held_out = set(outside)
    inside = [index for index in range(len(corpus)) if index not in held_out]
    return corpus.only(inside), corpus.only(sorted(outside))
