"""Tables as CSV files: to train on, outcomes, and what the log says came true."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from modelwatch.reporting.log_tables import open_tables
from modelwatch.reporting.sql import identifier
from modelwatch.reporting.truth import BY_ID
from modelwatch.schema import feature_column
from modelwatch.store import open_store
from traffic import Answered, Row

__all__ = ["write_labelled", "write_outcomes", "write_rows"]


def write_rows(file: Path, rows: Sequence[Row], outcome: str) -> None:
    """Write rows with their outcomes, as the service's ``train`` takes them.

    Args:
        file: The CSV file.
        rows: The rows, which all have the same fields.
        outcome: Column of the outcome.
    """
    names = list(rows[0].fields)
    _write(file, [*names, outcome], ([*one.fields.values(), one.outcome] for one in rows))


def write_outcomes(file: Path, answered: Iterable[Answered]) -> None:
    """Write outcomes by the prediction ids, as `modelwatch truth` takes them."""
    rows = ([one.prediction_id, one.row.outcome] for one in answered)
    _write(file, ["prediction_id", "outcome"], rows)


def write_labelled(file: Path, log: Path, first: date, last: date, outcome: str) -> int:
    """Write the predictions of some days whose outcome is known, with their features.

    Returns:
        The number of rows.
    """
    with open_tables(open_store(str(log))) as tables:
        tables.add_predictions((first.isoformat(), last.isoformat()))
        tables.add_truth()
        prefix = feature_column("")
        columns = [name for name in tables.columns if name.startswith(prefix)]
        listed = ", ".join(map(identifier, columns))
        rows = tables.connection.execute(
            f"select {listed}, outcome from predictions "  # noqa: S608 - names that are quoted
            f"join truth on ref_kind = '{BY_ID}' and ref = prediction_id "
            # Prediction ids are random: the order of the rows must not depend on them.
            f"order by time, {listed}"
        ).fetchall()
    _write(file, [*(name.removeprefix(prefix) for name in columns), outcome], rows)
    return len(rows)


def _write(file: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
