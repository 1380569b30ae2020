from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bankchurn.golden import golden_customers
from bankchurn.model import ChurnPredictor
from bankchurn.schema import CATEGORIES, NUMBERS
from bankchurn.stack import fit_pipeline, probabilities
from bankchurn.tables import DataError
from bankchurn.train import Training, TrainingOptions, model_version, train
from pinproof import open_sealed

GUARDED = {"bankchurn", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "shap", "treelite"}


def test_two_trainings_with_one_seed_give_the_same_predictions(sample: pd.DataFrame) -> None:
    table = sample.head(600)
    target = table["Exited"].to_numpy(dtype=np.int64)
    first, again, other = (
        probabilities(fit_pipeline(table, target, seed=seed), sample) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_learns_what_the_sample_holds(training: Training) -> None:
    metrics = training.report.evaluation.metrics
    assert metrics.customers == 300
    assert metrics.auc is not None
    assert metrics.auc > 0.75
    assert 0.1 < training.report.threshold < 0.6


def test_the_report_holds_means_with_their_spread_over_the_folds(training: Training) -> None:
    scores = training.report.cross_validation
    assert scores is not None
    for score in scores.values():
        assert len(score.auc.folds) == 2
        assert score.auc.mean == pytest.approx(np.mean(score.auc.folds))
        assert score.auc.standard_deviation == pytest.approx(np.std(score.auc.folds, ddof=1))


def test_the_version_names_the_data_and_the_options(sample: pd.DataFrame) -> None:
    changed = sample.copy()
    changed.loc[3, "Age"] = 99
    versions = {
        model_version(sample, TrainingOptions()),
        model_version(changed, TrainingOptions()),
        model_version(sample, TrainingOptions(seed=1)),
    }
    assert len(versions) == 3
    assert model_version(sample, TrainingOptions()) in versions


@pytest.mark.parametrize(("label", "meaning"), [(0, "stayed"), (1, "left")])
def test_too_few_customers_of_one_kind_are_refused(
    sample: pd.DataFrame, label: int, meaning: str
) -> None:
    few = pd.concat([sample[sample["Exited"] == label].head(49), sample[sample["Exited"] != label]])
    with pytest.raises(DataError, match=f"49 customers who {meaning}; .* at least 50"):
        train(few, source="few", options=TrainingOptions())


def test_a_sealed_model_opens_and_answers_as_the_one_in_memory(
    sealed: Path, training: Training, sample: pd.DataFrame
) -> None:
    opened = open_sealed(sealed)
    assert isinstance(opened.predictor, ChurnPredictor)
    np.testing.assert_array_equal(
        probabilities(opened.predictor.pipeline, sample),
        probabilities(training.predictor.pipeline, sample),
    )
    assert opened.predictor.decision == training.predictor.decision
    assert opened.manifest.version == training.report.model_version
    assert opened.manifest.data["rows"] == 1500
    assert opened.manifest.metrics["auc"] == training.report.evaluation.metrics.auc


def test_a_sealed_model_guards_what_it_predicts_with_and_not_what_it_was_drawn_with(
    sealed: Path,
) -> None:
    guarded = set(open_sealed(sealed).manifest.guarded)
    assert guarded >= GUARDED
    assert not guarded & {"matplotlib", "pandera", "pytest", "typer", "fastparquet"}


def test_golden_customers_cover_every_end_of_every_scale() -> None:
    customers = golden_customers()
    assert len(customers) == 48
    for name, bounds in NUMBERS.items():
        values = [getattr(customer, name) for customer in customers]
        assert {bounds.low, bounds.high} <= set(values)
        assert (None in values) == bounds.nullable
    for name, categories in CATEGORIES.items():
        assert {getattr(customer, name) for customer in customers} == set(categories)


def test_a_seal_proves_every_path_that_a_service_takes(sealed: Path) -> None:
    golden = open_sealed(sealed).manifest.golden
    assert set(golden.outputs) == {
        "pipeline_probability",
        "request_probability",
        "batch_probability",
        "log_odds_contributions",
    }
    answers = {name: np.array(values, dtype=np.float64) for name, values in golden.outputs.items()}
    sealed_truth = answers["pipeline_probability"]
    np.testing.assert_allclose(answers["request_probability"], sealed_truth, atol=1e-6)
    np.testing.assert_allclose(answers["batch_probability"], sealed_truth, atol=1e-6)
    explained = 1 / (1 + np.exp(-answers["log_odds_contributions"].sum(axis=1)))
    np.testing.assert_allclose(explained, sealed_truth, atol=1e-6)
