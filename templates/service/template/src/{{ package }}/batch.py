"""Scores a file of records into another file, in bounded memory, all or nothing."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from servicekit.answer_warnings import WARNINGS, as_cell
from servicekit.files import DataError, NewFile, check_not_input, check_writable, write_errors
from servicekit.progress import Advance, silent
from servicekit.rows import RowErrors

from {{ package }}.data import Piece, open_table
from {{ package }}.features import known_values
from {{ package }}.model import Predictor

ADDED: Final = ("probability", "prediction", WARNINGS)
"""The columns that a prediction adds, in this order."""


@dataclass(frozen=True)
class BatchSummary:
    """Counts of a scored file.

    Attributes:
        rows: Records in the file.
        predicted: Records whose prediction is 1.
        marked: Answers with a warning.
        warnings: Answers with each warning, by ``code:field``.
    """

    rows: int
    predicted: int
    marked: int
    warnings: Mapping[str, int]


def predict_file(
    predictor: Predictor, source: Path, destination: Path, *, advance: Advance = silent
) -> BatchSummary:
    """Score every record of a file.

    The output has the cells of the input as they are written, then the columns `ADDED`. Columns
    that are not inputs are copied without validation.

    Args:
        predictor: An opened model.
        source: A CSV file of records.
        destination: The CSV file to write. It appears, or is replaced, only when every row was
            scored.
        advance: Called with the number of rows scored.

    Raises:
        DataError: The input is invalid or already has a column of `ADDED`, or the output cannot
            be written. All invalid rows are counted; nothing was written.
    """
    check_output(source, destination)
    errors = RowErrors()
    found: Counter[str] = Counter()
    rows = predicted = marked = 0
    with (
        NewFile(destination) as output,
        open_table(source, need_target=False) as (header, pieces),
        write_errors(destination),
        output.path.open("w", encoding="utf-8", newline="") as file,
    ):
        _check_header(source, header)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, *ADDED])
        for piece in pieces:
            rows += len(piece.cells)
            errors.add(piece.errors)
            if not errors:
                scored = _score(predictor, piece)
                writer.writerows([*old, *new] for old, new in zip(piece.cells, scored, strict=True))
                predicted += sum(prediction for _, prediction, _ in scored)
                warnings = [cell.split(";") for *_, cell in scored if cell]
                marked += len(warnings)
                found.update(kind for kinds in warnings for kind in kinds)
            advance(len(piece.cells))
        if errors:
            raise errors.refusal(source)
    return BatchSummary(rows, predicted, marked, dict(found.most_common()))


def check_output(source: Path, destination: Path) -> None:
    """Refuse an output that cannot be written, before a model is loaded.

    Raises:
        DataError: It cannot be written, does not end in .csv, or is the input.
    """
    if destination.suffix.lower() != ".csv":
        raise DataError(f"{destination}: only CSV is written. Give a name that ends in .csv.")
    check_not_input(destination, source)
    check_writable(destination)


def _check_header(source: Path, header: Sequence[str]) -> None:
    taken = [name for name in ADDED if name in header]
    if taken:
        raise DataError(
            f"{source}: the table already has {', '.join(taken)}, which predict writes. Rename or "
            "remove these columns, or give the file that they were predicted from."
        )


def _score(predictor: Predictor, piece: Piece) -> list[tuple[float, int, str]]:
    """The cells of the columns `ADDED` for each row."""
    values = known_values(piece.records)
    warnings = predictor.fitted.profile.find_warnings(values)
    threshold = predictor.fitted.threshold
    return [
        (probability, int(probability >= threshold), as_cell(warnings.get(row, [])))
        for row, probability in enumerate(predictor.probabilities(values).tolist())
    ]
