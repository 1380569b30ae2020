"""Predicts the sentiment of a file of texts, in bounded memory, all or nothing.

A transformer computes each text alone (`nlpinsight.backends.transformer`), on all cores.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from servicekit.answer_warnings import WARNINGS, as_cell
from servicekit.files import check_not_input, check_writable
from servicekit.parallel import map_ordered
from servicekit.progress import Advance, silent
from servicekit.rows import RowErrors

from nlpinsight.batch.result_file import ResultWriter
from nlpinsight.data.rows import Row
from nlpinsight.data.text_file import TextFile
from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.schema import LABELS, Label, Sentiment

ADDED: Final = ("prediction", "confidence", *LABELS, "in_vocabulary", "truncated", WARNINGS)
"""The columns that are added after those of the input."""

_CHUNK: Final = 256

# Renaming never makes two names equal: input_prediction becomes input_input_prediction.
_TAKEN: Final = re.compile(rf"(?:input_)*(?:{'|'.join(map(re.escape, ADDED))})")


@dataclass(frozen=True)
class BatchSummary:
    """Counts of a predicted file.

    Attributes:
        texts: Number of texts.
        labels: Number of predictions of each label.
        truncated: Number of texts that were not read to the end.
        warnings: Number of answers with each warning, by its code.
        read_as: Format that the input was read as.
        renamed: New names of the input's columns that were renamed.
    """

    texts: int
    labels: Mapping[Label, int]
    truncated: int
    warnings: Mapping[str, int]
    read_as: str
    renamed: Mapping[str, str]


def check_files(source: Path, destination: Path) -> None:
    """Refuse an output that cannot be written, or that is the input.

    Raises:
        DataError: It cannot be written, or both are the same file.
    """
    check_not_input(destination, source)
    check_writable(destination)


def predict_file(
    model: SentimentModel, source: Path, destination: Path, *, advance: Advance = silent
) -> BatchSummary:
    """Predict the sentiment of every text of a file.

    The output has the input's fields, then those of `ADDED`, in the order of the rows. A field of
    the input with the name of an added one is written as ``input_NAME``. Labels of Financial
    PhraseBank's lines become a field.

    Args:
        model: An opened model.
        source: ``.csv`` or ``.jsonl`` with ``text``, or ``.txt`` with one text per line or in the
            format of Financial PhraseBank.
        destination: ``.csv`` or ``.jsonl``. It appears, or is replaced, only when every text was
            predicted.
        advance: Called with the number of rows read.

    Raises:
        DataError: The input is invalid, or the output cannot be written. All invalid rows are
            counted; nothing was written.
    """
    check_files(source, destination)
    file = TextFile.of(source)
    errors, labels, warnings = RowErrors(), Counter[Label](), Counter[str]()
    renamed: dict[str, str] = {}
    texts = truncated = 0
    with ResultWriter(destination) as writer:
        for chunk in _chunks(file.rows()):
            texts += len(chunk)
            errors.add([row.error for row in chunk if row.error is not None])
            if not errors:
                answers = _predict_all(model, [row.text for row in chunk])
                for row, answer in zip(chunk, answers, strict=True):
                    labels[answer.label] += 1
                    truncated += answer.truncated
                    warnings.update(warning.code for warning in answer.warnings)
                    writer.write_row((*_kept(row, renamed), *_added(answer)))
            advance(len(chunk))
        if errors:
            raise errors.refusal(source)
    return BatchSummary(texts, labels, truncated, warnings, file.read_as, renamed)


def _predict_all(model: SentimentModel, texts: Sequence[str]) -> list[Sentiment]:
    """The answers, each as the text gets it alone."""
    if model.backend == "tfidf":
        # Its work is Python's, of which one thread runs at a time.
        return predict_sentiments(model, texts)

    def answer(place: int) -> list[Sentiment]:
        return predict_sentiments(model, [texts[place]])

    # Longest first, so that no thread is left with a long text while the others wait.
    places = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
    with closing(map_ordered(answer, places, os.cpu_count() or 1)) as answers:
        by_place = {place: found for place, [found] in zip(places, answers, strict=True)}
    return [by_place[place] for place in range(len(texts))]


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _kept(row: Row, renamed: dict[str, str]) -> Iterator[tuple[str, object]]:
    """The cells of the input; columns with the name of an added one are renamed."""
    for name, value in row.cells:
        if _TAKEN.fullmatch(name):
            renamed[name] = f"input_{name}"
        yield renamed.get(name, name), value


def _added(answer: Sentiment) -> tuple[tuple[str, object], ...]:
    return (
        ("prediction", answer.label),
        ("confidence", answer.confidence),
        *((str(label), score) for label, score in answer.all_scores.items()),
        ("in_vocabulary", answer.in_vocabulary),
        ("truncated", answer.truncated),
        (WARNINGS, as_cell(answer.warnings)),
    )
