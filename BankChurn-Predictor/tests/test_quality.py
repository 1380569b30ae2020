"""What the model must achieve on the real table. Run with the table, skipped without it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bankchurn.batch.predict_file import predict_file
from bankchurn.batch.scoring import on_all_cores
from bankchurn.data.table import load_table
from bankchurn.data.table_files import TableWriter
from bankchurn.evaluation.metrics import measure
from bankchurn.features import customers_to_frame
from bankchurn.golden import golden_customers
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.model.stack import LEARNERS, fit_pipeline, learner_probabilities, probabilities
from bankchurn.schema import FEATURES, TARGET, Customer
from bankchurn.training.train import STACK
from scipy.special import expit
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

pytestmark = pytest.mark.slow

SEEDS = range(5)


@pytest.fixture(scope="module")
def table(real_data: Path) -> pd.DataFrame:
    return load_table(real_data / "Churn_Modelling.csv")


Split = tuple[pd.DataFrame, Pipeline]


@pytest.fixture(scope="module")
def fitted(table: pd.DataFrame) -> list[Split]:
    """For every seed of the split: the fifth that is held out, and what the others made."""
    return [fit_split(table, seed) for seed in SEEDS]


def fit_split(table: pd.DataFrame, seed: int) -> Split:
    training, holdout = train_test_split(
        table, test_size=0.2, stratify=table[TARGET], random_state=seed
    )
    target = training[TARGET].to_numpy(dtype=np.int64)
    return holdout, fit_pipeline(training, target, seed=seed)


@pytest.fixture(scope="module")
def scores(fitted: list[Split]) -> dict[str, tuple[float, float]]:
    """Mean AUC and log loss on the held-out fifth over the seeds of the split, by learner."""
    found: dict[str, list[tuple[float, float]]] = {}
    for holdout, pipeline in fitted:
        answers = {
            STACK: probabilities(pipeline, holdout),
            **learner_probabilities(pipeline, holdout),
        }
        for name, answer in answers.items():
            metrics = measure(holdout[TARGET].to_numpy(dtype=np.int64), answer, 0.5)
            assert metrics.auc is not None
            found.setdefault(name, []).append((metrics.auc, metrics.log_loss))
    return {
        name: (float(np.mean([auc for auc, _ in of])), float(np.mean([loss for _, loss in of])))
        for name, of in found.items()
    }


@pytest.mark.nightly
def test_the_mean_over_five_splits_is_as_good_as_promised(
    scores: dict[str, tuple[float, float]],
) -> None:
    auc, log_loss = scores[STACK]
    assert auc >= 0.866
    assert log_loss <= 0.332


@pytest.mark.nightly
def test_the_stack_is_no_worse_than_the_best_of_its_learners(
    scores: dict[str, tuple[float, float]],
) -> None:
    auc, log_loss = scores[STACK]
    assert auc >= max(scores[name][0] for name in LEARNERS)
    assert log_loss <= min(scores[name][1] for name in LEARNERS)


def test_the_ensemble_agrees_with_the_pipeline_on_all_real_customers(
    table: pd.DataFrame,
) -> None:
    _, pipeline = fit_split(table, SEEDS[0])
    matrix = pipeline.named_steps["features"].transform(table)
    answers = expit(TreeEnsemble(pipeline.named_steps["stack"]).log_odds(matrix))
    assert np.abs(answers - probabilities(pipeline, table)).max() < 1e-5


def test_real_customers_are_valid_requests_and_score_as_in_the_table(
    predictor: ChurnPredictor, real_data: Path
) -> None:
    table = load_table(real_data / "Churn_missing_tenure.csv")
    records = table[list(FEATURES)].to_dict(orient="records")
    customers = [
        Customer.model_validate(
            {name: None if pd.isna(value) else value for name, value in record.items()}
        )
        for record in records
    ]
    np.testing.assert_array_equal(
        predictor.encode(customers), predictor.pipeline.named_steps["features"].transform(table)
    )


def test_the_real_file_is_scored_unchanged(
    predictor: ChurnPredictor, real_data: Path, tmp_path: Path
) -> None:
    summary = predict_file(
        on_all_cores(predictor), real_data / "Churn_missing_tenure.csv", tmp_path / "out.parquet"
    )
    assert summary.customers == 10_000


def test_the_golden_customers_survive_a_file(predictor: ChurnPredictor, tmp_path: Path) -> None:
    customers = golden_customers()
    with TableWriter(tmp_path / "golden.csv") as writer:
        writer.write_rows(customers_to_frame(customers))
    predict_file(on_all_cores(predictor), tmp_path / "golden.csv", tmp_path / "out.csv")
    scored = pd.read_csv(tmp_path / "out.csv")["churn_probability"].to_numpy(dtype=np.float64)
    expected = predictor.probabilities(predictor.encode(customers))
    np.testing.assert_allclose(scored, expected, atol=1e-6)
