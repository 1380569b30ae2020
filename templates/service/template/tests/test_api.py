from collections.abc import Iterator
from pathlib import Path

import pytest
from {{ package }}.api import Settings, create_app
from {{ package }}.model import Predictor
from {{ package }}.sample import generate_sample
from servicekit.testing import wait_until
from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client(sealed: Path) -> Iterator[TestClient]:
    settings = Settings.model_validate({"app_env": "test", "model_dir": sealed})
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "the model is proven")
        yield client


def test_requests_and_batches_are_answered_as_by_the_model(
    client: TestClient, predictor: Predictor
) -> None:
    records, _ = generate_sample(50, seed=9)
    bodies = [record.model_dump(mode="json") for record in records]
    expected = [one.probability for one in predictor.answer(records, model_version="")]

    alone = [client.post("/predict", json=body).json() for body in bodies]
    batch = client.post("/predict_batch", json={"records": bodies}).json()

    assert [one["probability"] for one in alone] == pytest.approx(expected, abs=1e-12)
    assert [one["probability"] for one in batch["predictions"]] == pytest.approx(expected, abs=1e-12)
    assert batch["total_records"] == 50
    assert alone[0].keys() == {
        "probability", "prediction", "threshold", "warnings", "model_version",
        "prediction_timestamp", "prediction_id",
    }  # fmt: skip


def test_a_bad_record_is_named_by_its_place_and_field(
    client: TestClient, record: dict[str, object]
) -> None:
    body = {"records": [record, record | {"hour": 24}]}
    problem = client.post("/predict_batch", json=body)
    assert problem.status_code == 422
    assert [error["field"] for error in problem.json()["errors"]] == ["records.1.hour"]


def test_predictions_and_warnings_are_counted(
    client: TestClient, record: dict[str, object]
) -> None:
    def counts(metric: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(metric))

    predictions, warnings = counts("model_predictions_total{"), counts("prediction_warnings_total{")
    client.post("/predict", json=record)
    client.post("/predict_batch", json={"records": [record, record | {"amount": 1e6}]})
    assert counts("model_predictions_total{") - predictions == 3
    assert counts("prediction_warnings_total{") - warnings == 1
