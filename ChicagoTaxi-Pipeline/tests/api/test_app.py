"""The HTTP interface, through the whole application; and as a process of its own."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batches import predict, write_batch
from chicagotaxi.api.app import Settings, create_app
from chicagotaxi.api.reloader import PredictionsReloader
from chicagotaxi.api.responses import AreaSummary, DemandRow, StatusResponse
from chicagotaxi.batch.predict import identity
from chicagotaxi.batch.reader import ModelIdentity, read_pointer
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.rows import table
from chicagotaxi.history.panel import Panel
from hostile_batches import HOSTILE, make_device, make_loop, make_socket
from modelseal import OpenedModel
from pydantic import TypeAdapter
from servicekit import ServiceSettings
from servicekit.testing import LiveService, wait_until
from starlette.testclient import TestClient
from trips import run as run_etl
from trips import trip
from trips import write as write_trips

KEY = "k" * 32


@pytest.fixture
def start(sealed: Path) -> Iterator[Callable[..., TestClient]]:
    clients: list[TestClient] = []

    def make(output: Path, **settings: object) -> TestClient:
        values = {
            "app_env": "test",
            "model_dir": sealed,
            "predictions_dir": output / "predictions",
            "predictions_poll_s": 0.05,
            **settings,
        }
        client = TestClient(
            create_app(Settings.model_validate(values)), raise_server_exceptions=False
        )
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(start: Callable[..., TestClient], predicted: Path) -> TestClient:
    client = start(predicted)
    become_ready(client)
    return client


def become_ready(client: TestClient) -> None:
    wait_until(lambda: client.get("/ready").status_code == 200, "it is ready")


def status(client: TestClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/pipeline/status").json()
    return answer


def served(client: TestClient) -> str | None:
    serving = status(client)["serving"]
    return None if serving is None else str(serving["batch"])


def metric(client: TestClient, name: str) -> float:
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def test_demand_has_the_fields_that_clients_know(client: TestClient) -> None:
    response = client.get("/demand?area=8&hour=14&limit=10")

    rows = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-total-count"] == "7"
    assert len(rows) == 7
    assert list(rows[0]) == [
        "pickup_community_area",
        "start",
        "hour",
        "day_of_week",
        "is_weekend",
        "predicted_demand",
        "lower",
        "upper",
        "demand_category",
        "avg_fare",
        "avg_distance_miles",
        "warnings",
    ]
    assert {row["pickup_community_area"] for row in rows} == {8}
    assert {row["hour"] for row in rows} == {14}
    assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)


def test_responses_have_the_documented_format(client: TestClient) -> None:
    TypeAdapter(list[DemandRow]).validate_json(client.get("/demand?limit=2000").content)
    TypeAdapter(list[AreaSummary]).validate_json(client.get("/areas").content)
    StatusResponse.model_validate_json(client.get("/pipeline/status").content)
    schema = client.get("/openapi.json").json()
    answer = schema["paths"]["/demand"]["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"]["items"]["$ref"].endswith("/DemandRow")


def test_demand_is_filtered_by_every_parameter(client: TestClient) -> None:
    rows = client.get("/demand?area=76&hour=9&day_of_week=5&date=2025-03-27").json()
    assert [row["start"] for row in rows] == ["2025-03-27T09:00"]
    assert client.get("/demand?date=2025-03-27&limit=10000").headers["x-total-count"] == "192"
    assert client.get("/demand?date=2024-01-01").json() == []
    assert client.get("/demand?area=1").json() == []
    assert len(client.get("/demand").json()) == 100


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("area=0", "area"),
        ("area=78", "area"),
        ("area=Loop", "area"),
        ("hour=24", "hour"),
        ("hour=-1", "hour"),
        ("day_of_week=0", "day_of_week"),
        ("day_of_week=8", "day_of_week"),
        ("date=yesterday", "date"),
        ("date=2025-02-30", "date"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("area_id=8", "area_id"),
        ("area=8&area=9", "area"),
        ("area=8&Hour=9", "Hour"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, query: str, field: str) -> None:
    response = client.get(f"/demand?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["/demand?area=8", "/areas", "/pipeline/status", "/"])
def test_a_response_that_the_client_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("path", ["/demand", "/areas"])
def test_another_release_has_another_etag(
    client: TestClient,
    start: Callable[..., TestClient],
    predicted: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    tag = client.get(path).headers["etag"]
    monkeypatch.setattr("chicagotaxi.api.app.version", lambda _name: "99.0.0")
    newer = start(predicted)
    become_ready(newer)
    assert newer.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_responses_may_be_cached_by_all_unless_keys_are_required(
    client: TestClient, start: Callable[..., TestClient], predicted: Path
) -> None:
    assert client.get("/demand").headers.get_list("cache-control") == ["public, max-age=60"]
    private = start(predicted, api_keys=KEY, cache_s=5)
    become_ready(private)
    answer = private.get("/demand", headers={"X-API-Key": KEY})
    assert answer.headers.get_list("cache-control") == ["private, max-age=5"]
    assert private.get("/demand").status_code == 401
    assert private.get("/areas").status_code == 401
    assert private.get("/pipeline/status").status_code == 401
    # The page holds no data, and asks for a key.
    assert private.get("/").status_code == 200


def test_it_is_not_ready_before_the_first_batch_and_says_so(
    start: Callable[..., TestClient], output: Path, sealed: Path, panel: Panel
) -> None:
    client = start(output)
    wait_until(lambda: client.get("/model_info").json()["verdict"] == "proven", "it is proven")
    ready, demand = client.get("/ready"), client.get("/demand")
    for response in (ready, demand, client.get("/areas")):
        assert response.status_code == 503
        assert response.json()["type"] == "urn:problem-type:predictions-not-ready"
        assert "There is no batch" in response.json()["detail"]
    assert client.get("/health").status_code == 200
    assert served(client) is None

    predict(sealed, panel, output)
    become_ready(client)
    assert client.get("/demand").status_code == 200


def test_forecasts_outside_of_the_training_are_marked_and_counted(
    start: Callable[..., TestClient], output: Path, sealed: Path, panel: Panel
) -> None:
    predict(sealed, replace(panel, areas=(*panel.areas[:-1], 77)), output)
    client = start(output)
    become_ready(client)
    [row] = client.get("/demand?area=77&limit=1").json()
    assert [one["code"] for one in row["warnings"]] == ["area_not_in_training"]
    [row] = client.get("/demand?area=8&limit=1").json()
    assert row["warnings"] == []
    assert status(client)["serving"]["warnings"] == {"area_not_in_training": 168}
    assert metric(client, 'prediction_warnings_total{code="area_not_in_training"}') == 168


def test_the_status_has_the_unknown_hours(
    start: Callable[..., TestClient], predicted: Path, tmp_path: Path
) -> None:
    rows = [
        trip("t1", start="03/01/2022 10:00:00 PM", end=""),
        trip("t2", start="03/03/2022 05:00:00 AM", end=""),
    ]
    run_etl(write_trips(tmp_path / "a.csv", rows), predicted)
    client = start(predicted)
    become_ready(client)
    last_run = status(client)["last_run"]
    assert last_run["unknown_hours"] == 30
    assert last_run["unknown_stretches"] == [
        {"first": "2022-03-01T23:00:00", "last": "2022-03-03T04:00:00", "hours": 30}
    ]


def test_a_new_batch_replaces_the_old_one(
    client: TestClient, predicted: Path, sealed: Path, panel: Panel
) -> None:
    before = served(client)
    tag = client.get("/demand").headers["etag"]
    info = predict(sealed, panel.until(len(panel.trips) - 24), predicted)
    wait_until(lambda: served(client) == info.batch, "the new batch is served")

    after = client.get("/demand", headers={"If-None-Match": tag})
    assert before != info.batch
    assert after.status_code == 200
    assert after.json()[0]["start"] == "2025-03-25T00:00"
    assert metric(client, "predictions_rows") == info.rows
    assert metric(client, "predictions_created_timestamp_seconds") == pytest.approx(
        info.created.timestamp()
    )


def change_a_byte(folder: Path, name: str) -> None:
    part = folder / name / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-9] + b"x" + part.read_bytes()[-8:])


def remove(folder: Path, name: str) -> None:
    shutil.rmtree(folder / name)


def rewrite(folder: Path, name: str, column: str, values: list[object]) -> None:
    """Replace a column, and all that is said of the file: only what it holds is wrong."""
    place = folder / name
    part = place / "part-00000.parquet"
    rows = pq.read_table(part)
    where = rows.column_names.index(column)
    pq.write_table(rows.set_column(where, column, pa.array(values * rows.num_rows)), part)
    say_digest(place)


def say_digest(place: Path) -> None:
    info = json.loads((place / "batch.json").read_text())
    data = (place / "part-00000.parquet").read_bytes()
    info["parts"][0]["sha256"] = hashlib.sha256(data).hexdigest()
    (place / "batch.json").write_text(json.dumps(info))


def no_number(folder: Path, name: str) -> None:
    rewrite(folder, name, "avg_fare", [float("nan")])


def a_list(folder: Path, name: str) -> None:
    rewrite(folder, name, "predicted_demand", [[1.0]])


def a_null(folder: Path, name: str) -> None:
    rewrite(folder, name, "hour", [None])


def no_such_time(folder: Path, name: str) -> None:
    rewrite(folder, name, "start", [pa.scalar(2**62, pa.timestamp("us"))])


def not_parquet(folder: Path, name: str) -> None:
    (folder / name / "part-00000.parquet").write_bytes(b"PAR1")
    say_digest(folder / name)


def a_damaged_page(folder: Path, name: str) -> None:
    part = folder / name / "part-00000.parquet"
    data = bytearray(part.read_bytes())
    data[4:200] = bytes(196)
    part.write_bytes(data)
    say_digest(folder / name)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (change_a_byte, "digest"),
        (remove, "missing"),
        (no_number, "rows"),
        (a_list, "form"),
        (a_null, "form"),
        (no_such_time, "unreadable"),
        (not_parquet, "form"),
        (a_damaged_page, "form"),
        *(pytest.param(*case, id=name) for name, case in HOSTILE.items()),
    ],
)
def test_a_bad_batch_is_refused_and_the_old_one_is_still_served(  # noqa: PLR0917
    client: TestClient,
    predicted: Path,
    sealed: Path,
    panel: Panel,
    spoil: Callable[[Path, str], None],
    code: str,
    tmp_path: Path,
) -> None:
    folder = predicted / "predictions"
    before = served(client)
    rows = client.get("/demand?area=8").content
    # Made and spoiled elsewhere, so that nothing ever points to it while it is whole.
    (tmp_path / "aside").mkdir()
    info = predict(sealed, panel.until(len(panel.trips) - 24), tmp_path / "aside")
    shutil.copytree(tmp_path / "aside" / "predictions" / info.batch, folder / info.batch)
    spoil(folder, info.batch)
    point_to(folder, info.batch)
    refused = f'prediction_batches_refused_total{{code="{code}"}}'
    wait_until(lambda: metric(client, refused) >= 1, "the batch is refused")

    assert served(client) == before
    assert client.get("/demand?area=8").content == rows
    assert client.get("/ready").status_code == 200
    wait_until(lambda: status(client)["refused"] is not None, "the status says it")
    why = status(client)["refused"]
    assert why["code"] == code
    assert info.batch in why["reason"]
    assert why["reason"].endswith("Run `predict` again.")

    good = predict(sealed, panel, predicted)
    wait_until(lambda: served(client) == good.batch, "the next good one is served")
    assert status(client)["refused"] is None


def test_polling_continues_after_a_failure(
    start: Callable[..., TestClient], predicted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, failures = vars(PredictionsReloader)["_poll"], iter([OSError("once")])

    def fail_once(self: PredictionsReloader) -> tuple[object, ...]:
        if (failure := next(failures, None)) is not None:
            raise failure
        found: tuple[object, ...] = look(self)
        return found

    monkeypatch.setattr(PredictionsReloader, "_poll", fail_once)
    client = start(predicted)
    become_ready(client)
    assert served(client) == read_pointer(predicted / "predictions")


def point_to(folder: Path, name: str) -> None:
    (folder / "next").write_text(name)
    (folder / "next").replace(folder / "current")


def test_a_batch_that_was_incomplete_is_served_when_it_is_complete(
    client: TestClient, predicted: Path, sealed: Path, panel: Panel, tmp_path: Path
) -> None:
    folder = predicted / "predictions"
    (tmp_path / "aside").mkdir()
    info = predict(sealed, panel.until(len(panel.trips) - 24), tmp_path / "aside")
    point_to(folder, info.batch)
    refused = 'prediction_batches_refused_total{code="missing"}'
    wait_until(lambda: metric(client, refused) >= 1, "the batch is refused")
    shutil.copytree(tmp_path / "aside" / "predictions" / info.batch, folder / info.batch)
    wait_until(lambda: served(client) == info.batch, "it is tried again")


@pytest.mark.parametrize("make", [os.mkfifo, make_socket, make_device, Path.mkdir, make_loop])
def test_a_pointer_that_is_not_a_file_is_refused_and_the_old_batch_is_still_served(
    client: TestClient, predicted: Path, make: Callable[[Path], None]
) -> None:
    current = predicted / "predictions" / "current"
    name = current.read_text()
    before = served(client)
    current.unlink()
    make(current)
    wait_until(lambda: status(client)["refused"] is not None, "the pointer is refused")

    assert status(client)["refused"]["code"] == "pointer"
    assert served(client) == before
    assert client.get("/ready").status_code == 200

    current.rmdir() if current.is_dir() else current.unlink()
    current.write_text(name)
    wait_until(lambda: status(client)["refused"] is None, "the pointer is right again")


def test_a_pointer_that_is_a_pipe_from_the_beginning_keeps_the_service_answering(
    start: Callable[..., TestClient], output: Path
) -> None:
    (output / "predictions").mkdir()
    os.mkfifo(output / "predictions" / "current")
    client = start(output)
    wait_until(lambda: "was refused (pointer)" in client.get("/ready").text, "it is refused")
    assert client.get("/health").status_code == 200


def test_a_status_that_is_a_pipe_does_not_keep_predictions_from_being_served(
    start: Callable[..., TestClient], predicted: Path
) -> None:
    os.mkfifo(predicted / "status.json")
    client = start(predicted)
    become_ready(client)
    assert status(client)["last_run"] is None


def test_a_batch_of_another_model_is_refused(
    start: Callable[..., TestClient],
    output: Path,
    forecaster: DemandForecaster,
    opened: OpenedModel,
    panel: Panel,
) -> None:
    model = forecaster.model
    other = ModelIdentity(name="chicagotaxi", version="2.0.0", sha256="f" * 64)
    rows = table(model, model.predict(panel), panel)
    write_batch(output / "predictions", [rows], model=other, interval=0.9)
    client = start(output)
    wait_until(lambda: "was refused (model)" in client.get("/ready").text, "it is refused")
    assert "2.0.0" in client.get("/ready").json()["detail"]
    assert client.get("/demand").status_code == 503

    write_batch(output / "predictions", [rows], model=identity(opened), interval=0.9)
    become_ready(client)


def test_predictions_of_a_refused_model_are_not_served(
    start: Callable[..., TestClient], predicted: Path
) -> None:
    client = start(predicted, model_sha256="0" * 64)
    wait_until(lambda: "refusal" in client.get("/ready").json(), "the model is refused")
    assert client.get("/demand").status_code == 503
    assert client.get("/demand").json()["type"] == "urn:problem-type:model-not-ready"


def test_a_status_that_cannot_be_read_does_not_keep_predictions_from_being_served(
    start: Callable[..., TestClient], predicted: Path
) -> None:
    (predicted / "status.json").write_text("{")
    client = start(predicted)
    become_ready(client)
    assert client.get("/pipeline/status").json()["last_run"] is None
    assert served(client) == read_pointer(predicted / "predictions")


def test_responses_have_the_rows_of_the_batch_on_disk(client: TestClient, predicted: Path) -> None:
    name = served(client)
    assert name is not None
    rows = pq.read_table(predicted / "predictions" / name / "part-00000.parquet").to_pylist()
    answers: list[dict[str, Any]] = client.get("/demand?limit=10000").json()
    assert len(answers) == len(rows)
    for row, answer in zip(rows, answers, strict=True):
        shown = {"start": row["start"].isoformat(timespec="minutes"), "warnings": []}
        assert answer == row | shown


def test_the_service_as_a_process_answers_follows_batches_and_ends(
    sealed: Path, predicted: Path, panel: Panel
) -> None:
    service = LiveService(
        ["-m", "chicagotaxi", "serve"],
        {"MODEL_DIR": str(sealed), "PREDICTIONS_DIR": str(predicted / "predictions")},
        {"predictions_poll_s": 0.1},
    )
    with service:
        service.wait_until_ready()
        assert service.get("/demand?area=8&hour=14").json()[0]["pickup_community_area"] == 8
        assert service.get("/areas").json()[0]["area_id"] == 3
        info = predict(sealed, panel.until(len(panel.trips) - 48), predicted)
        wait_until(
            lambda: service.get("/demand").headers["etag"].startswith(f'"{info.batch}-'),
            "it follows",
        )
        service.signal()
        code = service.wait()
    assert code == 0
    assert service.errors == ""
    assert [line["batch"] for line in service.logged("batch served")][-1] == info.batch


def test_the_readme_lists_this_services_settings_as_they_are() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    own = [name for name in Settings.model_fields if name not in ServiceSettings.model_fields]
    for name in ("port", "model_dir", *own):
        field = Settings.model_fields[name]
        row = f"| `{name.upper()}` | `{field.default}` | {field.description} |"
        assert row in readme, row


def test_the_metrics_of_the_latest_report_are_published(
    start: Callable[..., TestClient], predicted: Path, tmp_path: Path
) -> None:
    reports = tmp_path / "log" / "reports"
    reports.mkdir(parents=True)
    (reports / "modelwatch.prom").write_text("# TYPE modelwatch_psi gauge\nmodelwatch_psi 0.5\n")

    client = start(predicted, prediction_log=str(tmp_path / "log"))

    wait_until(lambda: metric(client, "modelwatch_psi") == 0.5, "they are published")
