"""Labelled texts: read, validated, made fit for training, fingerprinted.

CSV and JSON lines have the columns ``text`` and ``label``; ``.txt`` files are those of Financial
PhraseBank. Labels are names, or numbers whose meaning is declared (`nlpinsight.labels`). What does
not fit is refused with the file, the rows, and what is expected; all rows are looked at first.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from modelseal.paths import printable
from pydantic import BaseModel, ConfigDict, JsonValue
from servicekit.files import DataError
from servicekit.rows import RowError, RowErrors

from nlpinsight.labels import LabelMap, NumberedTexts, describe, read_label
from nlpinsight.leakage import wording
from nlpinsight.rows import LABEL, TEXT, shown
from nlpinsight.schema import LABELS, Label
from nlpinsight.text import normalise
from nlpinsight.textfiles import TextFile

__all__ = ["Corpus", "LeftOut", "judgeable", "load_corpus", "load_texts", "make_fit", "split"]

_A_LABEL: Final = "negative, neutral, positive, bearish or bullish"


@dataclass(frozen=True)
class Corpus:
    """Labelled texts.

    Attributes:
        texts: Raw, as they stood in the file.
        labels: One for each.
        source: Where they came from, for the record.
        label_map: What each number means where the file's labels are numbers; empty otherwise.
        read_as: The form that the file was read in; empty where there was none.
        nothing_to_judge: How many texts were left out because they hold nothing but links,
            invisible characters and white space.
    """

    texts: tuple[str, ...]
    labels: tuple[Label, ...]
    source: str
    label_map: dict[str, str] = field(default_factory=dict)
    read_as: str = ""
    nothing_to_judge: int = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self.texts)

    @property
    def targets(self) -> npt.NDArray[np.int64]:
        """The labels as their places in `LABELS`."""
        return np.array([LABELS.index(label) for label in self.labels], dtype=np.int64)

    def only(self, chosen: Sequence[int]) -> "Corpus":
        """The texts at these places."""
        return replace(
            self,
            texts=tuple(self.texts[index] for index in chosen),
            labels=tuple(self.labels[index] for index in chosen),
        )

    def describe(self) -> dict[str, JsonValue]:
        """What this is, for the record: where from, how many of each label, and a fingerprint.

        Where the file's labels are numbers, ``label_map`` says what they were read as.
        """
        counts = Counter(self.labels)
        return {
            "source": self.source,
            **({"read_as": self.read_as} if self.read_as else {}),
            **({"label_map": dict(self.label_map)} if self.label_map else {}),
            "texts": len(self),
            **({"nothing_to_judge": self.nothing_to_judge} if self.nothing_to_judge else {}),
            **{label: counts[label] for label in LABELS},
            "sha256": self.fingerprint(),
        }

    def fingerprint(self) -> str:
        """SHA-256 of the normalised texts and their labels: the same whatever file held them."""
        digest = hashlib.sha256()
        for text, label in zip(self.texts, self.labels, strict=True):
            digest.update(json.dumps([normalise(text), label]).encode())
        return digest.hexdigest()


class LeftOut(BaseModel):
    """How many rows were left out of a training, and why.

    Attributes:
        nothing_to_judge: Nothing is left once they are normalised: only a URL, mostly.
        repeated: An earlier row has the same words and the same label.
        held_out: The held-out texts have the same words: keeping them would be leakage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nothing_to_judge: int
    repeated: int
    held_out: int


def load_corpus(path: Path, label_map: LabelMap | None = None) -> Corpus:
    """Read and validate labelled texts.

    Args:
        path: ``.csv``, ``.jsonl`` or ``.ndjson`` with text and label, or ``.txt`` in the form of
            Financial PhraseBank; compressed with gzip where the name ends in ``.gz``.
        label_map: What numbers mean as labels. Without it, a file with numbers is refused.

    Raises:
        DataError: The file cannot be read, rows do not fit (all of them are counted), or labels
            are numbers whose meaning is not settled.
    """
    file = TextFile.of(path)
    if not file.may_have_labels:
        raise DataError(
            f"{path} has no labels: no line ends in @negative, @neutral or @positive. Give "
            "sentence@label in each line, or .csv or .jsonl with text and label."
        )
    problems, numbered = RowErrors(), NumberedTexts()
    texts: list[str] = []
    found: list[Label | float] = []
    # People post nothing but a link: not a mistake of the file. `judgeable` leaves it out.
    for row in file.rows(columns=(TEXT, LABEL), need_words=False):
        label = None if row.problem else read_label(row.fields[LABEL])
        if row.problem is not None:
            problems.add([row.problem])
        elif label is None:
            problems.add([RowError(LABEL, row.number, shown(row.fields[LABEL]), _A_LABEL)])
        else:
            texts.append(row.text)
            found.append(label)
            if isinstance(label, float):
                numbered.add(label, row.number, row.text)
    if problems:
        raise problems.refusal(path)
    meaning = numbered.meaning(path, label_map)
    return Corpus(
        texts=tuple(texts),
        labels=tuple(meaning[one] if isinstance(one, float) else one for one in found),
        source=printable(path.name),
        label_map=describe(meaning),
        read_as=file.read_as,
    )


def load_texts(path: Path) -> tuple[str, ...]:
    """Read the texts of a file, labelled or not.

    Raises:
        DataError: The file cannot be read, or rows do not fit; all of them are counted.
    """
    problems, texts = RowErrors(), []
    for row in TextFile.of(path).rows(need_words=False):
        if row.problem is not None:
            problems.add([row.problem])
        else:
            texts.append(row.text)
    if problems:
        raise problems.refusal(path)
    return tuple(texts)


def judgeable(corpus: Corpus) -> Corpus:
    """The texts that have something to judge once they are normalised; the others are counted."""
    kept = corpus.only([index for index, text in enumerate(corpus.texts) if normalise(text)])
    left_out = corpus.nothing_to_judge + len(corpus) - len(kept)
    return replace(kept, nothing_to_judge=left_out)


def make_fit(training: Corpus, held_out: Corpus) -> tuple[Corpus, LeftOut]:
    """Leave out of a training what would not teach, or would leak.

    Args:
        training: The texts to learn from.
        held_out: The texts to be measured on, which stay as they are.

    Returns:
        The texts to learn from, and how many were left out.
    """
    fit = judgeable(training)
    unseen = {wording(text) for text in held_out.texts}
    kept: list[int] = []
    known: set[tuple[str, Label]] = set()
    for index, (text, label) in enumerate(zip(fit.texts, fit.labels, strict=True)):
        words = wording(text)
        if words not in unseen and (words, label) not in known:
            known.add((words, label))
            kept.append(index)
    leaking = sum(wording(text) in unseen for text in fit.texts)
    return fit.only(kept), LeftOut(
        nothing_to_judge=len(training) - len(fit),
        held_out=leaking,
        repeated=len(fit) - leaking - len(kept),
    )


def split(corpus: Corpus, *, share: float = 0.2, seed: int = 42) -> tuple[Corpus, Corpus]:
    """Hold a share of each label out. Texts with the same words go to the same side.

    Returns:
        The texts to learn from, and the held-out ones.

    Raises:
        DataError: A label has too few texts to be on both sides.
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
