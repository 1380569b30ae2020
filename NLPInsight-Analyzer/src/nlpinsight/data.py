"""Labelled texts: read, validated, made fit for training, fingerprinted.

Two published forms are read. *Twitter financial news*: CSV with the columns ``text`` and
``label``, where 0 is bearish, 1 bullish and 2 neutral. *Financial PhraseBank*: ``.txt`` with lines
``sentence@label`` in Latin-1 (a copy in UTF-8 is recognised). CSV and JSON lines may also name the
labels: negative, neutral, positive. What does not fit is refused with the file, the rows, and what
is expected; all rows are looked at first.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, JsonValue
from servicekit.files import DataError
from servicekit.rows import Problem, Problems

from nlpinsight.leakage import wording
from nlpinsight.schema import LABELS, Label
from nlpinsight.text import normalise
from nlpinsight.textfiles import TEXT, Row, check_file, has_columns, read_rows

__all__ = ["Corpus", "LeftOut", "judgeable", "load_corpus", "make_fit", "split"]

LABEL: Final = "label"

# The numbers are those of the Twitter set; others number the classes differently, and nothing in a
# file of numbers could tell. Names are safe.
_NAMES: Final[dict[str, Label]] = {
    "0": "negative",
    "1": "positive",
    "2": "neutral",
    "bearish": "negative",
    "bullish": "positive",
    **{label: label for label in LABELS},
}
_A_LABEL: Final = "0 (bearish), 1 (bullish), 2 (neutral), or negative, neutral, positive"
_A_LINE: Final = "sentence@label, the label one of negative, neutral, positive"


@dataclass(frozen=True)
class Corpus:
    """Labelled texts.

    Attributes:
        texts: Raw, as they stood in the file.
        labels: One for each.
        source: Where they came from, for the record.
    """

    texts: tuple[str, ...]
    labels: tuple[Label, ...]
    source: str

    def __len__(self) -> int:
        """How many there are."""
        return len(self.texts)

    @property
    def targets(self) -> npt.NDArray[np.int64]:
        """The labels as their places in `LABELS`."""
        return np.array([LABELS.index(label) for label in self.labels], dtype=np.int64)

    def only(self, chosen: Sequence[int]) -> "Corpus":
        """The texts at these places."""
        return Corpus(
            tuple(self.texts[index] for index in chosen),
            tuple(self.labels[index] for index in chosen),
            self.source,
        )

    def describe(self) -> dict[str, JsonValue]:
        """What this is, for the record: where from, how many of each label, and a fingerprint."""
        counts = Counter(self.labels)
        return {
            "source": self.source,
            "texts": len(self),
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


def load_corpus(path: Path) -> Corpus:
    """Read and validate labelled texts.

    Args:
        path: ``.csv``, ``.jsonl`` or ``.ndjson`` with text and label, or ``.txt`` in the form of
            Financial PhraseBank.

    Raises:
        DataError: The file cannot be read, or rows do not fit; all of them are counted.
    """
    check_file(path)
    if has_columns(path):
        # People post nothing but a link: no mistake of the file's. `judgeable` leaves it out.
        rows = read_rows(path, columns=(TEXT, LABEL), need_words=False)
    else:
        rows = _read_phrasebank(path)
    problems, texts, labels = Problems(), [], []
    for row in rows:
        label = _NAMES.get(str(row.fields.get(LABEL)).strip().lower())
        problem = row.problem
        if problem is None and label is None:
            problem = Problem(LABEL, row.number, repr(str(row.fields.get(LABEL))), _A_LABEL)
        if problem is not None:
            problems.add([problem])
        elif label is not None:
            texts.append(row.text)
            labels.append(label)
    if problems:
        raise problems.refusal(path)
    return Corpus(tuple(texts), tuple(labels), path.name)


def judgeable(corpus: Corpus) -> Corpus:
    """The texts that have something to judge once they are normalised."""
    return corpus.only([index for index, text in enumerate(corpus.texts) if normalise(text)])


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


def _read_phrasebank(path: Path) -> Iterator[Row]:
    raw = path.read_bytes()
    try:
        document = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        document = raw.decode("latin-1")
    for number, line in enumerate(document.rstrip("\r\n").split("\n"), start=1):
        text, _, label = line.rpartition("@")
        fields = {TEXT: text, LABEL: label}
        if label.strip().lower() in LABELS and normalise(text):
            yield Row(number, fields)
        else:
            yield Row(number, fields, Problem("(line)", number, repr(line[:40]), _A_LINE))
