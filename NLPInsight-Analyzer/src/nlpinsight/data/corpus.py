"""Reads, validates and fingerprints labelled texts.

CSV and JSON lines have the columns ``text`` and ``label``; ``.txt`` files are those of Financial
PhraseBank. Labels are names, or numbers whose meaning is declared (`nlpinsight.data.labels`).
Errors name the file, all invalid rows, and what is expected.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from modelseal.path_kinds import printable
from pydantic import JsonValue
from servicekit.files import DataError
from servicekit.rows import RowError, RowErrors

from nlpinsight.arrays import Int64Array
from nlpinsight.data.labels import LabelMap, NumberedTexts, describe, read_label
from nlpinsight.data.rows import LABEL, TEXT, shorten
from nlpinsight.data.text_file import TextFile
from nlpinsight.schema import LABELS, OTHER_NAMES, Label
from nlpinsight.text.normalisation import normalise

_A_LABEL: Final = f"one of {', '.join([*LABELS, *OTHER_NAMES])}"


@dataclass(frozen=True)
class Corpus:
    """Labelled texts.

    Attributes:
        texts: Raw texts.
        labels: One label for each text.
        source: Origin of the texts, for reports.
        label_map: Meaning of each number if the file's labels are numbers; else empty.
        read_as: Format that the file was read as; empty if there was no file.
        nothing_to_judge: Number of texts left out because they hold only links, invisible
            characters and white space.
    """

    texts: tuple[str, ...]
    labels: tuple[Label, ...]
    source: str
    label_map: dict[str, str] = field(default_factory=dict)
    read_as: str = ""
    nothing_to_judge: int = 0

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.texts)

    @property
    def targets(self) -> Int64Array:
        """The index of each label in `LABELS`."""
        return np.array([LABELS.index(label) for label in self.labels], dtype=np.int64)

    def only(self, chosen: Sequence[int]) -> "Corpus":
        """The texts with these indices."""
        return replace(
            self,
            texts=tuple(self.texts[index] for index in chosen),
            labels=tuple(self.labels[index] for index in chosen),
        )

    def describe(self) -> dict[str, JsonValue]:
        """Source, number of texts by label, and fingerprint, for reports."""
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
        """SHA-256 of the normalised texts and their labels, independent of the file format."""
        digest = hashlib.sha256()
        for text, label in zip(self.texts, self.labels, strict=True):
            digest.update(json.dumps([normalise(text), label]).encode())
        return digest.hexdigest()


def load_corpus(path: Path, label_map: LabelMap | None = None) -> Corpus:
    """Read and validate labelled texts.

    Args:
        path: ``.csv``, ``.jsonl`` or ``.ndjson`` with text and label, or ``.txt`` in the format of
            Financial PhraseBank; compressed with gzip if the name ends in ``.gz``.
        label_map: Meaning of labels that are numbers. Without it, such a file is refused.

    Raises:
        DataError: The file cannot be read, rows are invalid (all of them are counted), or the
            meaning of labels that are numbers is unknown.
    """
    file = TextFile.of(path)
    if not file.may_have_labels:
        endings = " or ".join(f"@{label}" for label in LABELS)
        raise DataError(
            f"{path} has no labels: no line ends in {endings}. Give sentence@label in each line, "
            "or .csv or .jsonl with text and label."
        )
    errors, numbered = RowErrors(), NumberedTexts()
    texts: list[str] = []
    found: list[Label | float] = []
    # Posts of a link alone are not errors of the file. `judgeable` leaves them out.
    for row in file.rows(columns=(TEXT, LABEL), need_words=False):
        label = None if row.error else read_label(row.fields[LABEL])
        if row.error is not None:
            errors.add([row.error])
        elif label is None:
            errors.add([RowError(LABEL, row.number, shorten(row.fields[LABEL]), _A_LABEL)])
        else:
            texts.append(row.text)
            found.append(label)
            if isinstance(label, float):
                numbered.add(label, row.number, row.text)
    if errors:
        raise errors.refusal(path)
    meaning = numbered.meaning(path, label_map)
    return Corpus(
        texts=tuple(texts),
        labels=tuple(meaning[one] if isinstance(one, float) else one for one in found),
        source=printable(path.name),
        label_map=describe(meaning),
        read_as=file.read_as,
    )


def write_corpus(corpus: Corpus) -> bytes:
    """Labelled texts as CSV, which `load_corpus` reads."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((TEXT, LABEL))
    writer.writerows(zip(corpus.texts, corpus.labels, strict=True))
    return text.getvalue().encode()


def load_texts(path: Path) -> tuple[str, ...]:
    """Read the texts of a file, labelled or not.

    Raises:
        DataError: The file cannot be read, or rows are invalid; all of them are counted.
    """
    errors, texts = RowErrors(), []
    for row in TextFile.of(path).rows(need_words=False):
        if row.error is not None:
            errors.add([row.error])
        else:
            texts.append(row.text)
    if errors:
        raise errors.refusal(path)
    return tuple(texts)


def judgeable(corpus: Corpus) -> Corpus:
    """The texts that are not empty once normalised; the others are counted."""
    kept = corpus.only([index for index, text in enumerate(corpus.texts) if normalise(text)])
    left_out = corpus.nothing_to_judge + len(corpus) - len(kept)
    return replace(kept, nothing_to_judge=left_out)
