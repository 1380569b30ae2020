"""Predicts the sentiment of a file of texts, in bounded memory, all or nothing.

This process reads, validates and writes. Chunks of texts are judged on this machine or on Spark.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from servicekit.answer_warnings import WARNINGS, as_cell
from servicekit.files import check_not_input, check_writable
from servicekit.parallel import map_ordered
from servicekit.progress import Advance, silent
from servicekit.rows import RowErrors

from nlpinsight.batch.judging import Judge
from nlpinsight.batch.result_file import ResultWriter
from nlpinsight.data.rows import Row
from nlpinsight.data.text_file import TextFile
from nlpinsight.schema import LABELS, Label, Sentiment

ADDED: Final = ("prediction", "confidence", *LABELS, "in_vocabulary", "truncated", WARNINGS)
"""The columns that are added after those of the input."""

# Texts that are judged together: at most so many, and no more once they have so many characters.
_CHUNK: Final = 1_000
_CHARACTERS: Final = 2**22

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
    judge: Judge, source: Path, destination: Path, *, advance: Advance = silent
) -> BatchSummary:
    """Predict the sentiment of every text of a file.

    The output has the input's fields, then those of `ADDED`, in the order of the rows. A field of
    the input with the name of an added one is written as ``input_NAME``. Labels of Financial
    PhraseBank's lines become a field.

    Args:
        judge: Predicts the sentiment of chunks of texts.
        source: ``.csv`` or ``.jsonl`` with ``text``, or ``.txt`` with one text per line or in the
            format of Financial PhraseBank.
        destination: ``.csv`` or ``.jsonl``. It appears, or is replaced, only when every text was
            predicted.
        advance: Called with the number of rows read.

    Raises:
        DataError: The input is invalid, the output cannot be written, or a chunk cannot be judged.
            All invalid rows are counted; nothing was written.
        SealedModelError: A process that judges chunks refuses the model.
    """
    check_files(source, destination)
    file = TextFile.of(source)
    errors, labels, warnings = RowErrors(), Counter[Label](), Counter[str]()
    renamed: dict[str, str] = {}
    texts = truncated = 0

    def predict(chunk: _Chunk) -> tuple[_Chunk, list[Sentiment]]:
        return chunk, judge.call([row.text for row in chunk.rows]) if chunk.is_valid else []

    chunks = map_ordered(
        predict, _chunks(file.rows(), errors), judge.threads, interrupt=judge.interrupt
    )
    with ResultWriter(destination) as writer, closing(chunks) as judged:
        for chunk, answers in judged:
            texts += len(chunk.rows)
            if not errors:
                for row, answer in zip(chunk.rows, answers, strict=True):
                    labels[answer.label] += 1
                    truncated += answer.truncated
                    warnings.update(warning.code for warning in answer.warnings)
                    writer.write_row((*_kept(row, renamed), *_added(answer)))
            advance(len(chunk.rows))
        if errors:
            raise errors.refusal(source)
    return BatchSummary(texts, labels, truncated, warnings, file.read_as, renamed)


@dataclass(frozen=True)
class _Chunk:
    """Rows that are judged together; not valid after an invalid row."""

    rows: list[Row]
    is_valid: bool


def _chunks(rows: Iterator[Row], errors: RowErrors) -> Iterator[_Chunk]:
    chunk: list[Row] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        if row.error is not None:
            errors.add([row.error])
        else:
            characters += len(row.text)
        if len(chunk) == _CHUNK or characters >= _CHARACTERS:
            yield _Chunk(chunk, not errors)
            chunk, characters = [], 0
    if chunk:
        yield _Chunk(chunk, not errors)


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
