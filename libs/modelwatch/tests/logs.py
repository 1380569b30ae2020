"""A declaration, records, and the rows of a log."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from modelwatch.log import LogSchema, PredictionLog
from modelwatch.log.records import Answers, Record, RecordReader, encode
from modelwatch.reporting.log_tables import open_tables
from modelwatch.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()

SCHEMA = LogSchema(
    features={"age": "number", "country": "category", "comment": "text"},
    outputs={"probability": "number", "label": "category"},
    groups=("country",),
    key={"customer": "category"},
)


def record(log: PredictionLog, number: int, **changes: object) -> None:
    """Record answer number N, whose prediction id is ``pN``."""
    values: dict[str, Any] = {
        "request_id": f"r{number}",
        "features": {"age": 20.0 + number % 50, "country": "France", "comment": "fine"},
        "outputs": {"probability": 0.25, "label": "stays"},
        "key": {"customer": f"c{number}"},
        "warnings": ["outside_training_range"] if number % 2 else [],
    }
    record_one(log, **{"prediction_id": f"p{number}"} | values | changes)


def record_one(
    log: PredictionLog,
    prediction_id: str | None,
    *,
    features: Mapping[str, object],
    outputs: Mapping[str, object],
    key: Mapping[str, object] | None = None,
    warnings: Sequence[str] = (),
    request_id: str = "r",
) -> None:
    """Record one answer."""
    log.record_all(
        [prediction_id],
        request_id=request_id,
        model="a" * 64,
        features=[features],
        outputs=[outputs],
        keys=None if key is None else [key],
        warnings=[warnings],
    )


def record_of(schema: LogSchema, **values: Any) -> Record:  # noqa: ANN401 - of any kind
    """A record of one answer: features, outputs, key and warnings, and the rest with defaults."""
    answers = Answers(
        values.get("time", NOON),
        [values.get("prediction_id", "p0")],
        1,
        values.get("request_id", "r"),
        values.get("model", "a" * 64),
        lambda: [
            (
                values["features"],
                values["outputs"],
                values.get("key", {}),
                values.get("warnings", ()),
            )
        ],
        (),
    )
    [record] = RecordReader(schema).read(answers)
    return record


def part(number: int, schema: LogSchema = SCHEMA, **changes: object) -> bytes:
    """A part with answer number N, changed."""
    values: dict[str, Any] = {
        "prediction_id": f"p{number}",
        "features": {"age": 20.0, "country": "France", "comment": None},
        "outputs": {"label": "stays", "probability": 0.25},
    }
    return encode([record_of(schema, **values | changes)], schema)


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


def stored_ids(store: Store) -> list[str]:
    """The prediction ids of a log of any kind."""
    with open_tables(store) as tables:
        tables.add_predictions()
        if not tables.columns:
            return []
        found = tables.connection.execute("select prediction_id from predictions").fetchall()
    return [str(one) for (one,) in found]


def until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)


class Recording:
    """A log whose store is broken at first. It records until the end of the test."""

    def __init__(self, store: Store, *, max_waiting: int = 100_000) -> None:
        self.warned: list[str] = []
        self.log = PredictionLog(
            store, SCHEMA, flush_s=0.05, max_waiting=max_waiting, warn=self.warned.append
        )
        self.log.start()
        self.sent = 0

    def send(self, count: int) -> None:
        for _ in range(count):
            record(self.log, self.sent)
            self.sent += 1

    def wait_for_warning(self) -> str:
        until(lambda: bool(self.warned))
        return self.warned[0]

    def finish(self, store: Store) -> None:
        """The store works again: all is written, once, and nothing was dropped."""
        self.send(10)
        counts = self.log.close(timeout_s=60)
        assert counts == (self.sent, 0, self.sent, 0, 0)
        assert sorted(stored_ids(store)) == sorted(f"p{number}" for number in range(self.sent))
        # Far more attempts failed.
        assert len(self.warned) == 1
