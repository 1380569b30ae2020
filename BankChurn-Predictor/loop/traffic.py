"""The customers of `make loop`: those of the champion's training, and those of each day.

On the day of the drift, the world changes:

* The bank opens branches in Spain: 60% of the customers are from there, instead of 25%.
* Another bank offers a free card: of the customers below 45 with one product and no credit card,
  who are about a tenth, 60% of those leave who would have stayed.

Before, they are customers of `bankchurn.sample`.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from bankchurn.sample import generate_sample
from bankchurn.schema import FEATURES, NUMBERS, TARGET

SEED: Final = 2_026
SPAIN_SHARE: Final = 0.6
YOUNGER_THAN: Final = 45
LURED_SHARE: Final = 0.6


def main() -> None:
    """Write the customers that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="Folder for history.jsonl and traffic.jsonl.")
    parser.add_argument("--history", type=int, required=True, help="Customers before the traffic.")
    parser.add_argument("--per-day", type=int, required=True, help="Customers of each day.")
    for name, text in (
        ("first", "First day"),
        ("drift", "Day of the drift"),
        ("end", "Day after the last one"),
    ):
        parser.add_argument(f"--{name}", type=date.fromisoformat, required=True, help=f"{text}.")
    given = parser.parse_args()
    with (given.folder / "history.jsonl").open("w", encoding="utf-8") as file:
        for one in _records(customers(given.history, seed=SEED)):
            file.write(json.dumps(one) + "\n")
    with (given.folder / "traffic.jsonl").open("w", encoding="utf-8") as file:
        for number in range((given.end - given.first).days):
            day = given.first + timedelta(days=number)
            table = customers(given.per_day, seed=SEED + 1 + number, drifted=day >= given.drift)
            for one in _records(table):
                file.write(json.dumps({"day": day.isoformat(), **one}) + "\n")


def customers(rows: int, *, seed: int, drifted: bool = False) -> pd.DataFrame:
    """Customers with their outcomes.

    Args:
        rows: Number of customers.
        seed: Random seed. The same seed gives the same table.
        drifted: Whether they are customers of the changed world.
    """
    if not drifted:
        return generate_sample(rows, seed=seed)
    draw = np.random.default_rng([seed, 1])
    # Enough to choose from: a quarter of them is from Spain.
    many = generate_sample(10 * rows, seed=seed)
    from_spain = draw.random(rows) < SPAIN_SHARE
    is_spanish = (many["Geography"] == "Spain").to_numpy()
    chosen = np.empty(rows, dtype=np.int64)
    for spanish in (True, False):
        places = from_spain == spanish
        chosen[places] = np.flatnonzero(is_spanish == spanish)[: places.sum()]
    table = many.iloc[chosen].reset_index(drop=True)
    no_card = (table["HasCrCard"] == 0) & (table["NumOfProducts"] == 1)
    lured = no_card & (table["Age"] < YOUNGER_THAN) & (draw.random(rows) < LURED_SHARE)
    return table.assign(**{TARGET: table[TARGET].where(~lured, 1)})


def _records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each customer as ``row``, the fields of a request, and ``outcome``."""
    outcomes = table[TARGET].tolist()
    columns = [[_json(name, value) for value in table[name]] for name in FEATURES]
    for outcome, *values in zip(outcomes, *columns, strict=True):
        yield {"row": dict(zip(FEATURES, values, strict=True)), "outcome": outcome}


def _json(name: str, value: Any) -> Any:  # noqa: ANN401 - any value of a table
    if pd.isna(value):
        return None
    if name not in NUMBERS:
        return str(value)
    return int(value) if NUMBERS[name].whole else float(value)


if __name__ == "__main__":
    main()
