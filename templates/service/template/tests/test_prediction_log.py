"""The prediction log of the service, and the reference profile of its model."""

from pathlib import Path
from typing import Final

import pytest
from {{ package }}.model import Predictor
from {{ package }}.prediction_log import SCHEMA
from {{ package }}.schema import FEATURES, Record, example
from {{ package }}.training import TrainedModel
from modelwatch.profile import NumberProfile, read_profile
from modelwatch.testing import LogConformance, ShadowConformance, Start, log_of
from servicekit.testing import LiveService


REQUESTS: Final = {
    "/predict": example(),
    "/predict_batch": {"records": [example()] * 3},
}
VARYING: Final = frozenset({"prediction_timestamp", "batch_id", "processing_time_seconds"})


@pytest.fixture(scope="module")
def start(sealed: Path) -> Start:
    environment = {"MODEL_DIR": str(sealed)}
    return lambda **settings: LiveService(["-m", "{{ package }}", "serve"], environment, settings)


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

    def test_a_row_has_the_record_and_the_answer(
        self, start: Start, tmp_path: Path, predictor: Predictor
    ) -> None:
        [row] = log_of(start, tmp_path, {"/predict": example()}).rows
        [answer] = predictor.answer([Record.model_validate(example())], model_version="")
        assert {name: row[f"feature.{name}"] for name in FEATURES} == example()
        assert row["output.probability"] == pytest.approx(answer.probability, abs=1e-12)
        assert row["output.prediction"] == answer.prediction


def test_the_sealed_profile_describes_the_records_that_were_held_out(
    sealed: Path, trained: TrainedModel
) -> None:
    profile, metrics = read_profile(sealed), trained.report.metrics
    assert set(profile.features) == set(FEATURES)
    predicted = profile.outputs["prediction"]
    assert isinstance(predicted, NumberProfile)
    assert predicted.rows == metrics.rows
    assert predicted.mean == pytest.approx(metrics.selection_rate)
    assert profile.task is not None
    assert profile.task.performance == {
        "auc": metrics.auc,
        "log_loss": metrics.log_loss,
        "brier": metrics.brier,
    }
