from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families
from servicekit.testing import wait_until
from starlette.testclient import TestClient

Start = Callable[..., TestClient]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: TestClient) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def value(client: TestClient, name: str, /, **labels: str) -> float | None:
    return scrape(client).get((name, frozenset(labels.items())))


@pytest.fixture
def client(start: Start) -> TestClient:
    client = start()
    wait_until(lambda: client.get("/ready").status_code == 200, "it is ready")
    return client


def test_requests_are_counted_by_the_template_of_their_route(client: TestClient) -> None:
    for item in ("1", "2", "3"):
        client.get(f"/items/{item}")
    labels = {"route": "/items/{item}", "method": "GET", "status": "200"}
    assert value(client, "http_requests_total", **labels) == 3


def test_unknown_paths_share_one_label(client: TestClient) -> None:
    for path in ("/a", "/b", "/c/d"):
        client.get(path)
    labels = {"route": "unmatched", "method": "GET", "status": "404"}
    assert value(client, "http_requests_total", **labels) == 3


def test_unusual_methods_share_one_label(client: TestClient) -> None:
    for method in ("BREW", "WHEN"):
        client.request(method, "/plain")
    labels = {"route": "/plain", "method": "other", "status": "405"}
    assert value(client, "http_requests_total", **labels) == 2


def test_requests_refused_before_routing_are_counted_under_their_route(start: Start) -> None:
    client = start(api_keys=("a-key",))
    client.get("/plain")
    labels = {"route": "/plain", "method": "GET", "status": "401"}
    assert value(client, "http_requests_total", **labels) == 1


def test_durations_are_counted_by_route(client: TestClient) -> None:
    client.get("/plain")
    labels = {"route": "/plain", "method": "GET"}
    assert value(client, "http_request_duration_seconds_count", **labels) == 1


def test_predictions_are_counted_by_class(client: TestClient) -> None:
    for x in (1, 2, -1):
        client.post("/predict", json={"x": x})
    assert value(client, "model_predictions_total", **{"class": "positive"}) == 2
    assert value(client, "model_predictions_total", **{"class": "negative"}) == 1


def test_warnings_on_predictions_are_counted_by_code(client: TestClient) -> None:
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    runtime.count_warning("outside_training_range", 2)
    runtime.count_warning("level_not_in_training")
    runtime.count_warning("outside_training_range")

    assert value(client, "prediction_warnings_total", code="outside_training_range") == 3
    assert value(client, "prediction_warnings_total", code="level_not_in_training") == 1


def test_refused_requests_are_counted_by_reason(client: TestClient) -> None:
    client.post("/predict", content=b"x" * 2**21)
    assert value(client, "http_requests_refused_total", reason="body-too-large") == 1


def test_the_served_model_is_a_metric(client: TestClient) -> None:
    sha256 = client.get("/model_info").json()["sha256"]
    assert value(client, "model_info", name="tiny", version="7", sha256=sha256) == 1
    assert value(client, "model_ready") == 1


def test_a_refused_model_is_counted_by_code(start: Start) -> None:
    client = start(model_sha256="0" * 64)
    wait_until(lambda: "refusal" in client.get("/ready").json(), "the model is refused")
    assert value(client, "model_refusals_total", code="manifest-digest") == 1
    assert value(client, "model_ready") == 0


def test_polling_readiness_refuses_no_request(start: Start) -> None:
    client = start(model_sha256="0" * 64)
    wait_until(lambda: "refusal" in client.get("/ready").json(), "the model is refused")
    assert value(client, "http_requests_refused_total", reason="model-not-ready") is None


def test_counts_that_are_kept_elsewhere_are_read_on_each_scrape(client: TestClient) -> None:
    counts = {"written": 1, "dropped": 0}
    metrics = client.app.state.runtime.metrics  # type: ignore[attr-defined]
    metrics.watch_counts("records", "Records.", "state", lambda: counts)
    assert value(client, "records_total", state="written") == 1
    counts["written"] = 7
    assert value(client, "records_total", state="written") == 7
    assert value(client, "records_total", state="dropped") == 0
    assert "# TYPE records_total counter" in client.get("/metrics").text


def test_metrics_of_another_program_are_published_until_the_next_ones(client: TestClient) -> None:
    metrics = client.app.state.runtime.metrics  # type: ignore[attr-defined]
    metrics.publish_text("watch_", '# TYPE watch_psi gauge\nwatch_psi{column="age"} 0.5\n')
    assert value(client, "watch_psi", column="age") == 0.5
    assert "# TYPE watch_psi gauge" in client.get("/metrics").text
    for wrong in (
        "watch_psi 1\nmodel_ready 0\n",
        "watch_psi{ 1\n",
        "watch_psi one\n",
        "# TYPE watch_psi gauge\nwatch_psi 1\n# TYPE watch_a gauge\n# TYPE watch_psi gauge\n",
    ):
        with pytest.raises(ValueError, match=r"."):
            metrics.publish_text("watch_", wrong)
        assert value(client, "watch_psi", column="age") == 0.5
    assert value(client, "model_ready") is not None
    metrics.publish_text("watch_", "")
    assert value(client, "watch_psi", column="age") is None


def test_gauges_are_zero_at_rest(client: TestClient) -> None:
    for name in ("http_requests_in_flight", "http_requests_queued", "worker_threads_busy"):
        assert value(client, name) == 0


def test_applications_share_no_numbers(start: Start) -> None:
    first, second = start(), start()
    first.get("/plain")
    labels = {"route": "/plain", "method": "GET", "status": "200"}
    assert value(second, "http_requests_total", **labels) is None


def test_prediction_labels_are_bounded(client: TestClient) -> None:
    for number in range(300):
        client.app.state.runtime.count_prediction(f"class {number}")  # type: ignore[attr-defined]
    classes = [labels for name, labels in scrape(client) if name == "model_predictions_total"]
    assert len(classes) == 101
    assert value(client, "model_predictions_total", **{"class": "other"}) == 200


def test_openmetrics_is_sent_on_request(client: TestClient) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    response = client.get("/metrics", headers=accept)
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
