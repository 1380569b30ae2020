"""A declaration, records, and the rows of a log."""

from pathlib import Path
from typing import Any

import duckdb
from modelwatch.log import LogSchema, PredictionLog

SCHEMA = LogSchema(
    features={"age": "number", "country": "category", "comment": "text"},
    outputs={"probability": "number", "label": "category"},
    groups=("country",),
    key={"customer": "category"},
)


def record(log: PredictionLog, number: int, **changes: object) -> None:
    """Record answer number N, whose prediction id is ``pN``."""
    values: dict[str, Any] = {
        "prediction_id": f"p{number}",
        "request_id": f"r{number}",
        "model": "a" * 64,
        "features": {"age": 20.0 + number % 50, "country": "France", "comment": "fine"},
        "outputs": {"probability": 0.25, "label": "stays"},
        "key": {"customer": f"c{number}"},
        "warnings": ["outside_training_range"] if number % 2 else [],
    }
    log.record(**values | changes)


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("predictions/day=*/*.parquet"))


def rows(folder: Path, columns: str = "prediction_id") -> list[Any]:
    """Columns of all rows of a log, in the order of their times; reads every part whole."""
    if not parts(folder):
        return []
    found = duckdb.read_parquet(f"{folder}/predictions/*/*.parquet")
    return found.order("time").project(columns).fetchall()


def ids(folder: Path) -> list[str]:
    return [row[0] for row in rows(folder)]


def unexpected(message: str) -> None:
    """A `warn` that must not be called."""
    raise AssertionError(message)
