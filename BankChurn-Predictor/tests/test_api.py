"""The HTTP interface, through the whole application."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bankchurn.api import Settings, create_app
from bankchurn.model.predictor import AGREEMENT, ChurnPredictor
from bankchurn.schema import FEATURES
from bankchurn.schema import Customer as Record
from modelseal import open_sealed
from servicekit.testing import wait_until
from starlette.testclient import TestClient

Customer = dict[str, object]


@pytest.fixture(scope="module")
def client(sealed: Path) -> Iterator[TestClient]:
    settings = Settings.model_validate({"app_env": "test", "model_dir": sealed})
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "the model is proven")
        yield client


def records(table: pd.DataFrame) -> list[Customer]:
    rows: list[Customer] = json.loads(table[list(FEATURES)].to_json(orient="records"))
    return rows


def test_a_prediction_has_the_fields_that_clients_know(
    client: TestClient, customer: Customer
) -> None:
    response = client.post("/predict", json=customer)

    answer = response.json()
    assert response.status_code == 200
    assert answer.keys() >= {
        "churn_probability",
        "churn_prediction",
        "risk_level",
        "confidence",
        "feature_contributions",
        "model_version",
        "prediction_timestamp",
    }
    assert answer["feature_contributions"] == {}
    assert answer["explanation"] is None
    made = datetime.fromisoformat(answer["prediction_timestamp"])
    assert abs((datetime.now(UTC) - made).total_seconds()) < 3600


def test_predictions_are_those_of_the_sealed_pipeline(
    client: TestClient, predictor: ChurnPredictor, sample: pd.DataFrame
) -> None:
    customers = sample.head(100)
    expected = predictor.pipeline.predict_proba(customers)[:, 1]

    single = [
        client.post("/predict", json=record).json()["churn_probability"]
        for record in records(customers)
    ]
    batch = client.post("/predict_batch", json={"customers": records(customers)}).json()

    assert np.abs(np.array(single) - expected).max() <= AGREEMENT
    answers = [answer["churn_probability"] for answer in batch["predictions"]]
    assert np.abs(np.array(answers) - expected).max() <= AGREEMENT
    assert batch["total_customers"] == 100
    assert batch["processing_time_seconds"] > 0
    assert len(batch["batch_id"]) == 36


def test_predictions_of_all_real_customers_are_those_of_the_sealed_pipeline(
    real_data: Path, sealed: Path
) -> None:
    table = pd.read_csv(real_data / "Churn_Modelling.csv")
    opened = open_sealed(sealed)
    model = opened.predictor
    assert isinstance(model, ChurnPredictor)
    expected = model.pipeline.predict_proba(table)[:, 1]

    # What `/predict` calls, for each customer alone: 10,000 requests would say no more.
    alone = [
        model.answer([Record.model_validate(record)], model_version="")[0].churn_probability
        for record in records(table)
    ]

    assert len(alone) == 10_000
    assert np.abs(np.array(alone) - expected).max() <= AGREEMENT


def test_an_explanation_adds_up_to_the_probability(client: TestClient, customer: Customer) -> None:
    answer = client.post("/predict?explain=true", json=customer).json()

    explanation = answer["explanation"]
    points = explanation["base_probability"] + sum(answer["feature_contributions"].values())
    log_odds = explanation["base_log_odds"] + sum(explanation["log_odds_contributions"].values())
    assert answer["feature_contributions"].keys() == set(FEATURES)
    assert points == pytest.approx(answer["churn_probability"], abs=1e-6)
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(answer["churn_probability"], abs=1e-6)


def test_an_unknown_tenure_is_answered(client: TestClient, customer: Customer) -> None:
    left_out = {name: value for name, value in customer.items() if name != "Tenure"}

    null = client.post("/predict", json=customer | {"Tenure": None}).json()
    absent = client.post("/predict", json=left_out).json()

    assert null["churn_probability"] == absent["churn_probability"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"CreditScore": 851}, "CreditScore"),
        ({"Age": 17}, "Age"),
        ({"Age": "42"}, "Age"),
        ({"Age": 41.5}, "Age"),
        ({"Geography": "Atlantis"}, "Geography"),
        ({"Geography": "france"}, "Geography"),
        ({"Balance": -0.01}, "Balance"),
        ({"Balance": float("nan")}, "Balance"),
        ({"EstimatedSalary": float("inf")}, "EstimatedSalary"),
        ({"NumOfProducts": None}, "NumOfProducts"),
        ({"Surname": "Robert'); DROP TABLE"}, "Surname"),
    ],
)
def test_a_bad_field_is_named_and_its_value_is_not_echoed(
    client: TestClient, customer: Customer, change: Customer, field: str
) -> None:
    # json.dumps writes NaN and Infinity, as careless clients do.
    response = client.post(
        "/predict",
        content=json.dumps(customer | change),
        headers={"content-type": "application/json"},
    )

    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in problem["errors"]] == [field]
    assert "DROP TABLE" not in response.text


def test_one_bad_customer_in_a_batch_is_named_by_its_place(
    client: TestClient, customer: Customer
) -> None:
    batch = {"customers": [customer, customer | {"Age": 7}]}

    problem = client.post("/predict_batch", json=batch).json()

    assert [error["field"] for error in problem["errors"]] == ["customers.1.Age"]


def test_predictions_are_counted_by_risk_level(client: TestClient, customer: Customer) -> None:
    def counted() -> float:
        lines = client.get("/metrics").text.splitlines()
        values = [line for line in lines if line.startswith("model_predictions_total")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in values)

    before = counted()
    client.post("/predict", json=customer)
    client.post("/predict_batch", json={"customers": [customer] * 7})

    assert counted() - before == 8


def test_model_info_says_what_runs_and_what_wrote_the_model(client: TestClient) -> None:
    info = client.get("/model_info").json()

    assert info["verdict"] == "proven"
    assert info["running"] == info["manifest"]["written_with"]
    assert {"numpy", "scikit-learn", "lightgbm", "treelite", "bankchurn"} <= info["running"].keys()
    # Sealing compares with shap; a service does not load it.
    assert "shap" not in info["running"]
    # Development tools that libraries import where they find them do not bind the model.
    assert "matplotlib" not in info["running"]


def warnings_counted(client: TestClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    counts = [line for line in lines if line.startswith("prediction_warnings_total{")]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in counts}


def test_an_answer_outside_of_the_training_is_marked_and_counted(
    client: TestClient, customer: Customer
) -> None:
    before = warnings_counted(client)
    inside = client.post("/predict", json=customer).json()
    outside = client.post("/predict", json=customer | {"Age": 100}).json()
    explained = client.post("/predict?explain=true", json=customer | {"Age": 100}).json()
    batch = client.post(
        "/predict_batch", json={"customers": [customer, customer | {"Age": 100, "Balance": 1e9}]}
    ).json()

    assert inside["warnings"] == []
    [warning] = outside["warnings"]
    assert (warning["code"], warning["field"]) == ("outside_training_range", "Age")
    assert warning["message"].startswith("Age 100 is outside the training range, 20 to")
    assert explained["warnings"] == outside["warnings"]
    fields = [[one["field"] for one in answer["warnings"]] for answer in batch["predictions"]]
    assert fields == [[], ["Age", "Balance"]]
    after = warnings_counted(client)
    code = "outside_training_range"
    assert {code: after[code] - before.get(code, 0.0)} == {code: 4}


@pytest.mark.parametrize("query", ["explian=true", "explain=true&explain=false", "Explain=true"])
def test_a_parameter_that_is_unknown_or_repeated_is_refused(
    client: TestClient, customer: Customer, query: str
) -> None:
    assert client.post(f"/predict?{query}", json=customer).status_code == 422
