"""Scores a file of customers into another file, in bounded memory, all or nothing.

This process reads, validates and writes. The sealed pipeline scores parts of the rows, on all cores
or on Spark.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import pandas as pd
from servicekit.answer_warnings import WARNINGS, kinds_in_cell
from servicekit.files import DataError, check_not_input, check_writable
from servicekit.parallel import map_ordered
from servicekit.progress import Advance, silent
from servicekit.rows import RowErrors

from bankchurn.batch.scoring import ADDED, Scorer
from bankchurn.data.file_kinds import input_kind, output_kind
from bankchurn.data.table import check_columns, validate_rows
from bankchurn.data.table_files import TableWriter, read_chunks, read_header
from bankchurn.evaluation.evaluation import count_unknown

# Rows that a thread scores at a time.
_PART_ROWS: Final = 5_000


@dataclass(frozen=True)
class BatchSummary:
    """Counts of a scored file.

    Attributes:
        customers: Customers in the file.
        predicted_churn: Customers predicted to leave.
        marked: Answers with a warning.
        warnings: Answers with each warning, by ``code:field``.
        unknown: Unknown values, by column.
    """

    customers: int
    predicted_churn: int
    marked: int
    warnings: Mapping[str, int]
    unknown: Mapping[str, int]


def predict_file(
    scorer: Scorer, source: Path, destination: Path, *, advance: Advance = silent
) -> BatchSummary:
    """Score every customer of a file.

    The output has the columns of the input, then those of `ADDED`, in the order of the rows.
    Columns that are not features, the target included, are copied without validation. From CSV to
    CSV, all fields of the input are copied as text.

    Args:
        scorer: Scores parts of the rows.
        source: A CSV or Parquet file of customers.
        destination: The file to write, .csv or .parquet. It appears, or is replaced, only when
            every row was scored.
        advance: Called with the number of rows scored.

    Raises:
        DataError: The input is invalid or already has a column of `ADDED`, or the output cannot
            be written, or a part cannot be scored. All invalid rows are counted; nothing was
            written.
        SealedModelError: A process that scores parts refuses the model.
    """
    check_output(source, destination)
    errors = RowErrors()
    found: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    customers = predicted = marked = 0

    def score(part: _Part) -> tuple[_Piece, pd.DataFrame | None]:
        return part.piece, None if part.rows is None else scorer.call(part.rows)

    parts = map_ordered(score, _parts(source, errors), scorer.threads, interrupt=scorer.interrupt)

    with TableWriter(destination) as writer, closing(parts) as results:
        _check_input(read_header(source), source)
        verbatim = writer.kind == "csv" and input_kind(source) != "parquet"
        for piece, of_piece in groupby(results, key=itemgetter(0)):
            scored_parts = [rows for _, rows in of_piece if rows is not None]
            customers += len(piece.raw)
            if not errors:
                scored = pd.concat(scored_parts)
                cells = [cell for cell in scored[WARNINGS].tolist() if cell]
                predicted += int(scored["churn_prediction"].sum())
                marked += len(cells)
                unknown.update(count_unknown(piece.table))
                found.update(kind for cell in cells for kind in kinds_in_cell(cell))
                kept = piece.raw if verbatim else _typed(piece.raw, piece.table)
                writer.write_rows(pd.concat([kept, scored], axis="columns"))
            advance(len(piece.raw))
        if errors:
            raise errors.refusal(source)
    return BatchSummary(customers, predicted, marked, dict(found.most_common()), dict(unknown))


def check_output(source: Path, destination: Path) -> None:
    """Refuse an output that cannot be written, before a model is loaded.

    Raises:
        DataError: It cannot be written, is of an unknown kind, or is the input.
    """
    output_kind(destination)
    check_not_input(destination, source)
    check_writable(destination)


def _check_input(columns: list[str], source: Path) -> None:
    check_columns(columns, source=source, need_target=False)
    taken = [name for name in ADDED if name in columns]
    if taken:
        raise DataError(
            f"{source}: the table already has {', '.join(taken)}, which predict writes. Rename or "
            "remove these columns, or give the file that they were predicted from."
        )


def _typed(raw: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The input's columns in their order, the features in their canonical dtypes.

    Other columns keep the dtype that they were stored in: an identifier is not a number.
    """
    kept = raw.copy(deep=False)
    for name in table:
        kept[name] = table[name]
    return kept


@dataclass(frozen=True, eq=False)
class _Piece:
    """A piece of the input, as read and validated."""

    raw: pd.DataFrame
    table: pd.DataFrame


@dataclass(frozen=True)
class _Part:
    """The validated rows of a piece that a thread scores; None after an invalid row."""

    piece: _Piece
    rows: pd.DataFrame | None


def _parts(source: Path, errors: RowErrors) -> Iterator[_Part]:
    """Read and validate a file. Every piece of it has at least one part."""
    for raw in read_chunks(source):
        table, bad = validate_rows(raw, need_target=False)
        errors.add(bad)
        piece = _Piece(raw, table)
        if errors:
            yield _Part(piece, None)
            continue
        for start in range(0, len(table), _PART_ROWS):
            yield _Part(piece, table.iloc[start : start + _PART_ROWS])
