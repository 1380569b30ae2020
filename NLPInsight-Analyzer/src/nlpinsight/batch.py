"""Judge a file of texts into another file, in bounded memory, all or nothing."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from servicekit.answer_warnings import WARNINGS, as_cell
from servicekit.files import NewFile, check_not_input
from servicekit.rows import RowErrors

from nlpinsight.model import SentimentModel, judge
from nlpinsight.resultfiles import ResultWriter
from nlpinsight.rows import Row
from nlpinsight.schema import LABELS, Label, Sentiment
from nlpinsight.textfiles import TextFile

__all__ = ["ADDED", "BatchSummary", "check_files", "predict_file"]

ADDED: Final = ("prediction", "confidence", *LABELS, "in_vocabulary", "truncated", WARNINGS)
"""The columns that are added behind those of the input."""

_CHUNK: Final = 256

# No two names become one, whatever other columns there are: input_prediction becomes
# input_input_prediction.
_TAKEN: Final = re.compile(rf"(?:input_)*(?:{'|'.join(ADDED)})")


@dataclass(frozen=True)
class BatchSummary:
    """What was judged.

    Attributes:
        texts: How many texts.
        labels: How many of each label.
        truncated: How many were not read to their end.
        warnings: How many answers carry each warning, by its code.
        read_as: The form that the input was read in.
        renamed: The input's columns that were written under another name, and that name.
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
        DataError: It cannot be, or both are the same file.
    """
    check_not_input(destination, source)
    NewFile(destination).discard()


def predict_file(
    model: SentimentModel,
    source: Path,
    destination: Path,
    *,
    progress: Callable[[int], object] = lambda _texts: None,
) -> BatchSummary:
    """Judge every text of a file.

    The output has the input's fields, with those of `ADDED` behind them, in the order of the
    rows. A field of the input with the name of an added one is written as ``input_NAME``. Labels of
    Financial PhraseBank's lines become a field.

    Args:
        model: An opened model.
        source: ``.csv`` or ``.jsonl`` with ``text``, or ``.txt`` with one text per line or in the
            form of Financial PhraseBank.
        destination: ``.csv`` or ``.jsonl``. It appears, or is replaced, only when every text was
            judged.
        progress: Told how many rows more were read.

    Raises:
        DataError: The input does not fit, or the output cannot be written. All bad rows are
            counted; nothing was written.
    """
    check_files(source, destination)
    file = TextFile.of(source)
    problems, labels, warnings = RowErrors(), Counter[Label](), Counter[str]()
    renamed: dict[str, str] = {}
    texts = truncated = 0
    with ResultWriter(destination) as writer:
        for chunk in _chunks(file.rows()):
            texts += len(chunk)
            problems.add([row.problem for row in chunk if row.problem is not None])
            if not problems:
                answers = judge(model, [row.text for row in chunk])
                for row, answer in zip(chunk, answers, strict=True):
                    labels[answer.label] += 1
                    truncated += answer.truncated
                    warnings.update(warning.code for warning in answer.warnings)
                    writer.write((*_kept(row, renamed), *_added(answer)))
            progress(len(chunk))
        if problems:
            raise problems.refusal(source)
    return BatchSummary(texts, labels, truncated, warnings, file.read_as, renamed)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _kept(row: Row, renamed: dict[str, str]) -> Iterator[tuple[str, object]]:
    """The row's own cells; the names that make room for those that are added are noted."""
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
