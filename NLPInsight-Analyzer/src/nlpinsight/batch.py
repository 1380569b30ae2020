"""Judge a file of texts into another file, in bounded memory, all or nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from servicekit.files import DataError
from servicekit.rows import Problems

from nlpinsight.model import SentimentModel, judge
from nlpinsight.schema import LABELS, Label, Sentiment
from nlpinsight.textfiles import ResultWriter, Row, read_rows

__all__ = ["ADDED", "BatchSummary", "check_files", "predict_file"]

ADDED: Final = ("prediction", "confidence", *LABELS, "truncated")
"""The columns that are added behind those of the input."""

_CHUNK: Final = 256


@dataclass(frozen=True)
class BatchSummary:
    """What was judged: how many texts, how many of each label, how many not read to their end."""

    texts: int
    labels: Mapping[Label, int]
    truncated: int


def check_files(source: Path, destination: Path) -> None:
    """Refuse to write over the input.

    Raises:
        DataError: Both are the same file.
    """
    if destination.exists() and source.exists() and source.samefile(destination):
        raise DataError(f"{destination} is the input itself. Give another file for the output.")


def predict_file(
    model: SentimentModel,
    source: Path,
    destination: Path,
    *,
    progress: Callable[[int], object] = lambda _texts: None,
) -> BatchSummary:
    """Judge every text of a file.

    The output has the input's fields as they stood, with those of `ADDED` behind them, in the
    order of the rows.

    Args:
        model: An opened model.
        source: ``.csv`` or ``.jsonl`` with ``text``, or ``.txt`` with one text per line.
        destination: ``.csv`` or ``.jsonl``. It appears, or is replaced, only when every text was
            judged.
        progress: Told how many rows more were read.

    Raises:
        DataError: The input does not fit, or the output cannot be written. All bad rows are
            counted; nothing was written.
    """
    check_files(source, destination)
    problems, labels = Problems(), Counter[Label]()
    texts = truncated = 0
    with ResultWriter(destination) as writer:
        for chunk in _chunks(read_rows(source)):
            texts += len(chunk)
            problems.add([row.problem for row in chunk if row.problem is not None])
            if not problems:
                _check_names(source, chunk)
                answers = judge(model, [row.text for row in chunk])
                for row, answer in zip(chunk, answers, strict=True):
                    labels[answer.label] += 1
                    truncated += answer.truncated
                    writer.write({**row.fields, **_fields(answer)})
            progress(len(chunk))
        if problems:
            raise problems.refusal(source)
    return BatchSummary(texts, labels, truncated)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _check_names(source: Path, chunk: list[Row]) -> None:
    taken = sorted({name for row in chunk for name in ADDED if name in row.fields})
    if taken:
        raise DataError(
            f"{source} has {', '.join(taken)} already, which this command adds. Rename or remove "
            "what it has. Nothing was written."
        )


def _fields(answer: Sentiment) -> dict[str, object]:
    return {
        "prediction": answer.label,
        "confidence": answer.confidence,
        **{str(label): score for label, score in answer.all_scores.items()},
        "truncated": answer.truncated,
    }
