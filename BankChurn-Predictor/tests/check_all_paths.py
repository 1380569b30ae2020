"""Trains a small model of whatever `bankchurn` is on the path, and compares all of its paths.

Run by test_one_definition.py as ``python check_all_paths.py FOLDER``, in a process of its own:
`bankchurn.schema` may be one with other columns. Prints one JSON object:
``code`` is the exit code of `train`; where it is 0, ``gaps`` holds for each path the largest
distance of its probabilities from those of the sealed pipeline.
"""

import contextlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from bankchurn.api import Settings, create_app
from bankchurn.batch.predict_file import predict_file
from bankchurn.batch.scoring import on_all_cores
from bankchurn.cli import app
from bankchurn.data.table import load_table
from bankchurn.data.table_files import TableWriter, read_chunks
from bankchurn.golden import golden_customers
from bankchurn.model import stack
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.sample import generate_sample
from bankchurn.schema import FEATURES
from modelseal import open_sealed
from servicekit.testing import wait_until
from starlette.testclient import TestClient

ROWS = 500
ASKED = 40

Floats = npt.NDArray[np.float64]


def main(folder: Path) -> None:
    for learner in ("forest", "gradient_boosting", "xgboost", "lightgbm"):
        parameters: Any = stack.PARAMETERS[learner]
        parameters["n_estimators"] = 8
    table = generate_sample(ROWS, seed=2)
    write_tables(table, folder)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            train = ["train", "--data", folder / "table.csv", "--out", folder / "model"]
            app([*map(str, train), "--reports", str(folder / "reports"), "--folds", "2"])
    except SystemExit as end:
        if end.code:
            report(code=end.code)
            return
    with contextlib.redirect_stdout(sys.stderr):
        gaps = compare(folder, table)
    golden = [customer.model_dump() for customer in golden_customers()]
    report(code=0, features=FEATURES, gaps=gaps, golden=golden)


def report(**found: object) -> None:
    sys.stdout.write(json.dumps(found))


def write_tables(table: pd.DataFrame, folder: Path) -> None:
    """The same rows as CSV and Parquet, in other orders of columns, with others between them."""
    for name, seed in (("table.csv", 1), ("table.parquet", 2)):
        mixed = table.assign(age=7, note="4_1")
        order = random.Random(seed).sample(mixed.columns.tolist(), len(mixed.columns))  # noqa: S311
        with TableWriter(folder / name) as writer:
            writer.write_rows(mixed[order])


def compare(folder: Path, table: pd.DataFrame) -> dict[str, float]:
    """How far each path is from the sealed pipeline, which answers the table as it was made."""
    predictor = open_sealed(folder / "model").predictor
    assert isinstance(predictor, ChurnPredictor)
    expected = predictor.pipeline.predict_proba(table)[:, 1]
    answers: dict[str, Floats] = {}
    for source in ("table.csv", "table.parquet"):
        loaded = load_table(folder / source)
        answers[f"pipeline of {source}"] = predictor.pipeline.predict_proba(loaded)[:, 1]
        for destination in ("out.csv", "out.parquet"):
            predict_file(on_all_cores(predictor), folder / source, folder / destination)
            scored = pd.concat(list(read_chunks(folder / destination)))
            probability = scored["churn_probability"].to_numpy(dtype=np.float64)
            answers[f"{source} to {destination}"] = probability
    answers |= ask(folder / "model", table)
    return {
        name: float(np.abs(found - expected[: len(found)]).max()) for name, found in answers.items()
    }


def ask(model: Path, table: pd.DataFrame) -> dict[str, Floats]:
    """The answers of the service over HTTP."""
    rows = table[list(FEATURES)].head(ASKED)
    records = json.loads(rows.to_json(orient="records"))
    settings = Settings.model_validate({"app_env": "test", "model_dir": model})
    with TestClient(create_app(settings)) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "the model is proven")
        alone = [client.post("/predict", json=record).json() for record in records]
        explained = client.post("/predict?explain=true", json=records[0]).json()
        batch = client.post("/predict_batch", json={"customers": records}).json()
    why = explained["explanation"]
    log_odds = why["base_log_odds"] + sum(why["log_odds_contributions"].values())
    assert list(why["log_odds_contributions"]) == list(FEATURES)
    return {
        "request": np.array([one["churn_probability"] for one in alone]),
        "batch": np.array([one["churn_probability"] for one in batch["predictions"]]),
        "explanation": np.array([1 / (1 + np.exp(-log_odds))]),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
