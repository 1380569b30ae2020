"""The prediction log of the service, and the reference profile of its model."""

from pathlib import Path
from typing import Final

import pytest
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.prediction_log import SCHEMA
from bankchurn.schema import FEATURES, IDENTIFIERS, TARGET, Customer, example
from bankchurn.training.train import TrainedModel
from modelwatch.profile import CategoryProfile, NumberProfile, read_profile
from modelwatch.testing import LogConformance, ShadowConformance, Start, log_of
from servicekit.testing import LiveService

OTHER = example() | {"Geography": "Germany", "Age": 100, "Tenure": None, "Balance": 0.5}


REQUESTS: Final = {
    "/predict": example(),
    "/predict?explain=true": example(),
    "/predict_batch": {"customers": [example(), OTHER, example()]},
}
VARYING: Final = frozenset({"prediction_timestamp", "batch_id", "processing_time_seconds"})


@pytest.fixture(scope="module")
def start(sealed: Path) -> Start:
    environment = {"MODEL_DIR": str(sealed)}
    return lambda **settings: LiveService(["-m", "bankchurn", "serve"], environment, settings)


class TestShadow(ShadowConformance):
    schema = SCHEMA
    requests = REQUESTS
    varying = VARYING

    @pytest.fixture
    def challenger(self, sealed: Path) -> Path:
        return sealed


class TestLog(LogConformance):
    schema = SCHEMA
    requests = REQUESTS
    varying = VARYING

    def test_a_row_has_the_customer_and_the_answer(
        self, start: Start, tmp_path: Path, predictor: ChurnPredictor
    ) -> None:
        [row] = log_of(start, tmp_path, {"/predict": OTHER}).rows
        [answer] = predictor.answer([Customer.model_validate(OTHER)], model_version="")
        assert {name: row[f"feature.{name}"] for name in FEATURES} == OTHER
        assert row["output.churn_probability"] == answer.churn_probability
        assert row["output.churn_prediction"] == answer.churn_prediction
        assert row["output.risk_level"] == answer.risk_level
        assert row["warnings"] == ["outside_training_range"]


def test_no_identifier_and_not_the_target_is_declared() -> None:
    declared = {*SCHEMA.features, *SCHEMA.outputs, *SCHEMA.key}
    assert not declared & {*IDENTIFIERS, TARGET}
    assert tuple(SCHEMA.features) == FEATURES
    assert SCHEMA.groups == ("Geography", "Gender", "Age")


def test_the_sealed_profile_describes_the_customers_that_were_held_out(
    sealed: Path, training: TrainedModel
) -> None:
    profile = read_profile(sealed)
    metrics = training.report.evaluation.metrics
    probability = profile.outputs["churn_probability"]
    assert isinstance(probability, NumberProfile)
    assert probability.rows == metrics.customers == 300
    assert probability.mean == pytest.approx(metrics.mean_probability)
    selected = profile.outputs["churn_prediction"]
    assert isinstance(selected, NumberProfile)
    assert selected.mean == pytest.approx(metrics.selection_rate)
    assert tuple(profile.features) == FEATURES
    genders = profile.features["Gender"]
    assert isinstance(genders, CategoryProfile)
    groups = training.report.evaluation.groups
    assert genders.levels == {
        group.value: group.metrics.customers for group in groups if group.attribute == "Gender"
    }
    assert profile.features["Tenure"].missing > 0
    assert profile.task is not None
    assert (profile.task.kind, profile.task.output) == ("binary", "churn_probability")
    assert profile.task.performance == {
        "auc": metrics.auc,
        "log_loss": metrics.log_loss,
        "brier": metrics.brier,
    }


def test_the_groups_of_the_profile_are_those_of_the_evaluation(
    sealed: Path, training: TrainedModel
) -> None:
    found = {
        (attribute, group.rows)
        for attribute, groups in read_profile(sealed).groups.items()
        for group in groups.values()
    }
    assert found == {
        (group.attribute, group.metrics.customers) for group in training.report.evaluation.groups
    }
