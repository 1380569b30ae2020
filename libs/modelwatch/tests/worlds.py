"""Simulated predictions: a world without drift, and the same world changed."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from modelwatch.log.records import Answers, RecordReader, encode
from modelwatch.profile import ReferenceProfile, Task, make_profile
from modelwatch.schema import LogSchema

Columns = dict[str, list[Any]]
Change = Callable[[Columns, np.random.Generator], None]

SCHEMA = LogSchema(
    features={
        "age": "number",
        "income": "number",
        "tenure": "number",
        "balance": "number",
        "products": "number",
        "country": "category",
        "channel": "category",
        "active": "number",
    },
    outputs={"probability": "number", "label": "category"},
    groups=("country", "age"),
)
FEATURES = tuple(SCHEMA.features)
TASK = Task(kind="binary", output="probability")
DAY = date(2026, 3, 1)


def sample(rows: int, random: np.random.Generator) -> Columns:
    """Features, outputs and outcomes of customers; the model is calibrated."""
    age = np.clip(random.normal(40, 12, rows), 18, 95)
    income = random.lognormal(10.5, 0.5, rows)
    tenure = random.integers(0, 11, rows).astype(float)
    balance = np.where(random.random(rows) < 0.35, 0.0, random.gamma(4, 20_000, rows))
    country = random.choice(["Germany", "France", "Spain"], rows, p=[0.25, 0.5, 0.25])
    active = random.integers(0, 2, rows).astype(float)
    margin = -2 + 0.05 * (age - 40) + 0.8 * (country == "Germany") - 0.9 * active
    probability = 1 / (1 + np.exp(-margin))
    missing = random.random(rows) < 0.05
    return {
        "age": age.tolist(),
        "income": income.tolist(),
        "tenure": [None if gone else value for gone, value in zip(missing, tenure, strict=True)],
        "balance": balance.tolist(),
        "products": random.choice([1.0, 2.0, 3.0, 4.0], rows, p=[0.5, 0.4, 0.08, 0.02]).tolist(),
        "country": country.tolist(),
        "channel": random.choice(list("abcdefgh"), rows).tolist(),
        "active": active.tolist(),
        "probability": probability.tolist(),
        "label": np.where(probability >= 0.5, "1", "0").tolist(),
        "outcome": (random.random(rows) < probability).astype(int).astype(str).tolist(),
    }


def profile_of(columns: Columns, *, task: Task | None = TASK) -> ReferenceProfile:
    return make_profile(
        SCHEMA,
        features={name: columns[name] for name in FEATURES},
        outputs={name: columns[name] for name in SCHEMA.outputs},
        group_edges={"age": (30, 50)},
        task=task,
    )


def write_window(
    folder: Path,
    columns: Columns,
    *,
    day: date = DAY,
    truth: bool = True,
    schema: LogSchema = SCHEMA,
) -> None:
    """A log of one day with these predictions, and a file of their outcomes."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    ids = [f"{day}-{number}" for number in range(len(rows))]
    part = folder / "log" / "predictions" / f"day={day}" / "part.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(_encoded(schema, noon, ids, "a" * 64, rows))
    if truth:
        lines = [f"{name},{row['outcome']}" for name, row in zip(ids, rows, strict=True)]
        text = "\n".join(["prediction_id,outcome", *lines])
        (folder / "outcomes.csv").write_text(text, encoding="utf-8")


def write_shadow(
    folder: Path,
    columns: Columns,
    *,
    day: date = DAY,
    every: int = 1,
    model: str = "b" * 64,
    schema: LogSchema = SCHEMA,
) -> None:
    """The answers of a challenger to every so many predictions of `write_window`."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    ids = [f"{day}-{number}" for number in range(0, len(rows), every)]
    part = folder / "log" / "shadow" / f"day={day}" / f"{model[:8]}.parquet"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(_encoded(schema, noon, ids, model, rows[::every]))


def _encoded(
    schema: LogSchema, time: float, ids: list[str], model: str, rows: list[dict[str, object]]
) -> bytes:
    no_key: dict[str, object] = {}
    values = [(row, row, no_key, ()) for row in rows]
    answers = Answers(time, ids, len(ids), "r", model, lambda: values, ())
    return encode(RecordReader(schema).read(answers), schema)
