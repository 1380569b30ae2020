"""How often reports find drifts of stated sizes, and how often they find one where there is none.

Each window of outcomes is compared with a reference of its own, the others with one of several.
Flipped outcomes are found if the AUC is worse than that of the reference.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from counting import count_window
from modelwatch.profile import ReferenceProfile
from modelwatch.reporting.drift import ALPHA, find_drift
from modelwatch.reporting.log_tables import LogTables
from modelwatch.reporting.performance import measure
from modelwatch.reporting.window import named_columns
from modelwatch.store import FolderStore
from worlds import TASK, Columns, profile_of, sample

REFERENCES = 20
REFERENCE_ROWS = 10_000
SIZES = (500, 2_000, 10_000)

Random = np.random.Generator


def shift(deviations: float) -> Callable[[Columns, Random], None]:
    """Shift the mean of the age by some standard deviations."""

    def change(columns: Columns, _: Random) -> None:
        columns["age"] = [value + 12 * deviations for value in columns["age"]]

    return change


def new_level(share: float) -> Callable[[Columns, Random], None]:
    """Give a share of the rows a country that the reference has not."""

    def change(columns: Columns, random: Random) -> None:
        drawn = random.random(len(columns["country"])) < share
        columns["country"] = [
            "Italy" if new else value for new, value in zip(drawn, columns["country"], strict=True)
        ]

    return change


def missing_burst(share: float) -> Callable[[Columns, Random], None]:
    """Remove a share of the incomes."""

    def change(columns: Columns, random: Random) -> None:
        drawn = random.random(len(columns["income"])) < share
        columns["income"] = [
            None if gone else value for gone, value in zip(drawn, columns["income"], strict=True)
        ]

    return change


def swapped(share: float) -> Callable[[Columns, Random], None]:
    """Swap tenure and products in a share of the rows."""

    def change(columns: Columns, random: Random) -> None:
        drawn = random.random(len(columns["age"])) < share
        pairs = list(zip(columns["tenure"], columns["products"], strict=True))
        pairs = [pair[::-1] if swap else pair for swap, pair in zip(drawn, pairs, strict=True)]
        columns["tenure"], columns["products"] = map(list, zip(*pairs, strict=True))

    return change


def unit(share: float) -> Callable[[Columns, Random], None]:
    """Give a share of the incomes per month."""

    def change(columns: Columns, random: Random) -> None:
        drawn = random.random(len(columns["income"])) < share
        columns["income"] = [
            value / 12 if changed else value
            for changed, value in zip(drawn, columns["income"], strict=True)
        ]

    return change


def flipped(share: float) -> Callable[[Columns, Random], None]:
    """Flip a share of the outcomes."""

    def change(columns: Columns, random: Random) -> None:
        drawn = random.random(len(columns["outcome"])) < share
        columns["outcome"] = [
            str(1 - int(value)) if flip else value
            for flip, value in zip(drawn, columns["outcome"], strict=True)
        ]

    return change


DRIFTS: dict[str, tuple[Callable[[Columns, Random], None] | None, tuple[str, ...]]] = {
    "none": (None, ()),
    "age: mean shifted by 0.1 standard deviations": (shift(0.1), ("feature.age",)),
    "age: mean shifted by 0.25 standard deviations": (shift(0.25), ("feature.age",)),
    "country: a new level in 1% of the rows": (new_level(0.01), ("feature.country",)),
    "country: a new level in 5% of the rows": (new_level(0.05), ("feature.country",)),
    "income: 1% missing instead of none": (missing_burst(0.01), ("feature.income",)),
    "income: 5% missing instead of none": (missing_burst(0.05), ("feature.income",)),
    "tenure and products swapped in 5% of the rows": (
        swapped(0.05),
        ("feature.tenure", "feature.products"),
    ),
    "tenure and products swapped in all rows": (
        swapped(1.0),
        ("feature.tenure", "feature.products"),
    ),
    "income: per month instead of per year in 5% of the rows": (unit(0.05), ("feature.income",)),
    "income: per month instead of per year in all rows": (unit(1.0), ("feature.income",)),
}
FLIPS = {
    "outcomes: none flipped": flipped(0.0),
    "outcomes: 5% flipped": flipped(0.05),
    "outcomes: 20% flipped": flipped(0.2),
}


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=200)
    options = parser.parse_args()
    random = np.random.default_rng(11)
    references = [profile_of(sample(REFERENCE_ROWS, random)) for _ in range(REFERENCES)]
    rows: list[dict[str, Any]] = [
        {"drift": name, **shares}
        for name, shares in _found(options.windows, references, random).items()
    ]
    rows += [
        {"drift": name, **_found_worse(change, options.windows // 4, random)}
        for name, change in FLIPS.items()
    ]
    options.out.parent.mkdir(exist_ok=True)
    document = {
        "measured": datetime.now(UTC).date().isoformat(),
        "alpha": ALPHA,
        "reference_rows": REFERENCE_ROWS,
        "columns": len(named_columns(references[0])),
        "windows": options.windows,
        "windows_of_outcomes": options.windows // 4,
        "sizes": SIZES,
        "rows": rows,
    }
    options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _found(
    windows: int, references: list[ReferenceProfile], random: Random
) -> dict[str, dict[str, float]]:
    """For each drift and size, the share of windows that show it in its columns (or in any)."""
    hits: dict[str, dict[str, int]] = {name: dict.fromkeys(map(str, SIZES), 0) for name in DRIFTS}
    for size in SIZES:
        for number in range(windows):
            profile = references[number % len(references)]
            columns = sample(size, random)
            steady = count_window(profile, columns)
            for name, (change, expected) in DRIFTS.items():
                changed = dict(columns)
                if change:
                    change(changed, random)
                moved = {one for one in columns if changed[one] is not columns[one]}
                window = steady | count_window(profile, changed, moved)
                found = find_drift(named_columns(profile), window)
                drifted = {column for column, one in found.items() if one.state == "drift"}
                hits[name][str(size)] += bool(drifted & set(expected) if expected else drifted)
    return {
        name: {size: count / windows for size, count in found.items()}
        for name, found in hits.items()
    }


def _found_worse(
    change: Callable[[Columns, Random], None], windows: int, random: Random
) -> dict[str, Any]:
    """For each size, the share of windows whose AUC is worse than that of the reference."""
    shares = {}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        tables = LogTables(connection, FolderStore(Path(folder)), Path(folder))
        for size in SIZES:
            hits = 0
            for _ in range(windows):
                reference = _measured(tables, sample(REFERENCE_ROWS, random), {})["auc"].value
                columns = sample(size, random)
                change(columns, random)
                hits += bool(_measured(tables, columns, {"auc": reference})["auc"].worse)
            shares[str(size)] = hits / windows
    return shares


def _measured(tables: LogTables, columns: Columns, performance: dict[str, float]) -> Any:  # noqa: ANN401
    tables.connection.execute("drop table if exists joined")
    tables.connection.execute(
        'create table joined as select unnest($1::double[]) as "output.probability", '
        "unnest($2::varchar[]) as outcome",
        [columns["probability"], columns["outcome"]],
    )
    task = TASK.model_copy(update={"performance": performance})
    return measure(tables, task, "joined", evaluated=REFERENCE_ROWS).metrics


if __name__ == "__main__":
    main()
