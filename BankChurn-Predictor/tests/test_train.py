import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bankchurn import features
from bankchurn.data.table import load_table
from bankchurn.data.table_files import TableWriter
from bankchurn.evaluation.evaluation import digest_table
from bankchurn.features import Matrix, customer_values
from bankchurn.golden import golden_customers
from bankchurn.model.explanation import ShapleyExplainer
from bankchurn.model.predictor import AGREEMENT, ChurnPredictor
from bankchurn.model.stack import fit_pipeline, probabilities
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer
from bankchurn.training.train import TrainedModel, TrainingOptions, model_version, seal, train
from modelseal import SealError, open_sealed
from servicekit.files import DataError

GUARDED = {"bankchurn", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "treelite"}


def test_two_trainings_with_one_seed_give_the_same_predictions(sample: pd.DataFrame) -> None:
    table = sample.head(600)
    target = table["Exited"].to_numpy(dtype=np.int64)
    first, again, other = (
        probabilities(fit_pipeline(table, target, seed=seed), sample) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_learns_the_mechanism_of_the_sample(training: TrainedModel) -> None:
    metrics = training.report.evaluation.metrics
    assert metrics.customers == 300
    assert metrics.auc is not None
    assert metrics.auc > 0.75
    assert 0.1 < training.report.threshold < 0.6


def test_the_report_holds_means_with_their_spread_over_the_folds(training: TrainedModel) -> None:
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
    sealed: Path, training: TrainedModel, sample: pd.DataFrame
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
    assert not guarded & {"matplotlib", "pytest", "typer", "fastparquet", "shap", "numba"}


def test_golden_customers_cover_every_end_of_every_scale() -> None:
    customers = golden_customers()
    assert len(customers) == 48
    assert customers == golden_customers()
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
        "explained_probability",
        "log_odds_contributions",
        "pipeline_features",
        "request_features",
    }
    assert [agreement.outputs for agreement in golden.agreements] == [
        (
            "pipeline_probability",
            "request_probability",
            "batch_probability",
            "explained_probability",
        ),
        ("pipeline_features", "request_features"),
    ]
    assert {agreement.tolerance.absolute for agreement in golden.agreements} == {AGREEMENT, 0.0}
    answers = {name: np.array(values, dtype=np.float64) for name, values in golden.outputs.items()}
    sealed_truth = answers["pipeline_probability"]
    np.testing.assert_allclose(answers["request_probability"], sealed_truth, atol=1e-6)
    np.testing.assert_allclose(answers["batch_probability"], sealed_truth, atol=1e-6)
    explained = 1 / (1 + np.exp(-answers["log_odds_contributions"].sum(axis=1)))
    np.testing.assert_allclose(explained, sealed_truth, atol=1e-6)
    np.testing.assert_array_equal(answers["request_features"], answers["pipeline_features"])


def _swapped(customers: Sequence[Customer]) -> Matrix:
    """The features of requests with two flags in each other's place."""
    values = customer_values(customers)
    card, active = FEATURES.index("HasCrCard"), FEATURES.index("IsActiveMember")
    values[:, [card, active]] = values[:, [active, card]]
    return values


def test_a_model_whose_requests_use_another_order_of_features_is_not_sealed(
    training: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "customer_values", _swapped)
    with pytest.raises(SealError, match="request_features") as caught:
        seal(training, tmp_path / "model")
    assert "pipeline_probability" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_model_whose_explanations_do_not_add_up_to_its_answers_is_not_sealed(
    training: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ShapleyExplainer.contributions
    monkeypatch.setattr(
        ShapleyExplainer, "contributions", lambda self, matrix: honest(self, matrix) * 1.01
    )
    with pytest.raises(SealError, match="explained_probability"):
        seal(training, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_wrong_explanations_is_not_sealed(
    training: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bankchurn.model.explanation._ADDITIVITY", -1.0)
    with pytest.raises(SealError, match="disagree: The contributions differ from the log-odds"):
        seal(training, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_model_whose_trees_are_read_differently_is_not_sealed(
    sample: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bankchurn.model.predictor.AGREEMENT", -1.0)
    options = TrainingOptions(folds=2, background_rows=5)
    with pytest.raises(SealError, match=r"paths disagree: The fast ensemble is .* away"):
        train(sample.head(600), source="sample", options=options)


def test_a_model_whose_explanations_differ_from_shap_is_not_sealed(
    sample: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bankchurn.model.shap_reference._TOLERANCE", -1.0)
    options = TrainingOptions(folds=2, background_rows=5)
    with pytest.raises(SealError, match=r"disagree: .* differ from those of shap\.TreeExplainer"):
        train(sample.head(600), source="sample", options=options)


def test_rows_on_both_sides_of_the_split_are_counted(sample: pd.DataFrame) -> None:
    twice = pd.concat([sample.head(300)] * 2, ignore_index=True)
    trained = train(twice, source="twice", options=TrainingOptions(folds=2, background_rows=5))
    overlap = trained.report.training_overlap
    assert overlap is not None
    assert overlap["rows"] == 120
    # Of four in five rows, each has its double in the training with a chance of four in five.
    assert 80 <= int(str(overlap["seen"])) <= 115
    notice, unknown = trained.report.notices
    assert unknown.startswith("Tenure is unknown for ")
    assert notice.startswith(
        f"{float(str(overlap['share'])):.1%} of the 120 held-out rows equal a training"
    )


def test_the_same_rows_have_the_same_digests_in_any_file_format(
    sample: pd.DataFrame, tmp_path: Path
) -> None:
    sample.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    with TableWriter(tmp_path / "c.parquet") as writer:
        writer.write_rows(sample[[*reversed(sample.columns)]])
    digests = [
        digest_table(load_table(tmp_path / name)) for name in ("a.csv", "b.csv.gz", "c.parquet")
    ]
    assert digests[0] == digests[1] == digests[2]
    assert len(set(digests[0])) == 1500
    changed = load_table(tmp_path / "a.csv")
    changed.loc[changed.index[7], "Balance"] = 0.01
    assert len(set(digest_table(changed)) - set(digests[0])) == 1
