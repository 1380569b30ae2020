import json
from collections.abc import Callable

import pytest
from fastapi import APIRouter
from servicekit import ServiceSettings, ServiceSpec, create_app
from servicekit.testing import wait_until
from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    client = start(max_batch_rows=2)
    wait_until(lambda: client.get("/ready").status_code == 200, "it is ready")
    return client


def test_an_unknown_path_is_404(client: TestClient) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:problem-type:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
        "request_id": response.headers["x-request-id"],
    }


def test_a_trailing_slash_is_another_path(client: TestClient) -> None:
    assert client.get("/plain/", follow_redirects=False).status_code == 404


def test_a_wrong_method_is_405_and_names_the_right_one(client: TestClient) -> None:
    response = client.get("/predict")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["type"] == "urn:problem-type:method-not-allowed"


def test_a_missing_field_is_422_and_named(client: TestClient) -> None:
    response = client.post("/predict", json={})
    assert response.status_code == 422
    assert response.json()["type"] == "urn:problem-type:validation"
    assert response.json()["errors"] == [
        {"location": "body", "field": "x", "message": "Field required", "code": "missing"}
    ]


def test_a_field_of_a_batch_is_named_by_its_row(client: TestClient) -> None:
    response = client.post("/predict_batch", json={"rows": [{"x": 1}, {"x": "many"}]})
    assert response.json()["errors"][0]["field"] == "rows.1.x"


def test_a_missing_query_parameter_is_422_and_named(client: TestClient) -> None:
    response = client.get("/sleep")
    assert response.status_code == 422
    assert (response.json()["errors"][0]["location"], response.json()["errors"][0]["field"]) == (
        "query",
        "s",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"x": NaN}',
        b'{"x": Infinity}',
        b'{"x": -Infinity}',
        b'{"x": 1e999}',
        b'{"x": ' + b"9" * 4000 + b"}",
        b'{"x": "secret"}',
        b'{"x": [[[["secret"]]]]}',
        b'{"x": null}',
        b'{"x": 1, "\\ud800": "secret"}',
        b'{"x": 1, "' + b"k" * 100_000 + b'": "secret"}',
        b"[]",
        b'"secret"',
        b"null",
        b"",
        b"{",
    ],
    ids=lambda body: body[:24].decode(),
)
def test_a_bad_value_is_422_and_not_repeated(client: TestClient, body: bytes) -> None:
    response = client.post("/predict", content=body, headers=JSON)
    assert response.status_code == 422
    assert response.json()["errors"]
    assert "secret" not in response.text
    assert len(response.content) < 3000


@pytest.mark.parametrize(
    "body",
    [
        b'{"x": ' + b"9" * 5000 + b"}",
        b'{"x": "\xff"}',
    ],
    ids=["longer than Python reads", "not UTF-8"],
)
def test_a_body_that_no_parser_takes_is_400(client: TestClient, body: bytes) -> None:
    response = client.post("/predict", content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:problem-type:bad-request"


def test_many_errors_are_counted_and_the_first_are_listed(client: TestClient) -> None:
    response = client.post("/predict", json={f"unknown {n}": n for n in range(900)})
    assert response.status_code == 422
    assert response.json()["detail"] == "901 validation errors; the first 20 are listed."
    assert len(response.json()["errors"]) == 20


@pytest.mark.parametrize("content_type", ["text/csv", "application/xml", None])
def test_a_body_that_is_not_json_is_415(client: TestClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post("/predict", content=b'{"x": 1}', headers=headers)
    assert response.status_code == 415
    assert response.json()["type"] == "urn:problem-type:unsupported-media-type"


def test_a_batch_of_more_rows_than_allowed_is_422(client: TestClient) -> None:
    response = client.post("/predict_batch", json={"rows": [{"x": 1}] * 3})
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert (error["field"], error["code"]) == ("rows", "too_long")
    assert "at most 2 items" in error["message"]


def test_a_batch_of_as_many_rows_as_allowed_is_answered(client: TestClient) -> None:
    response = client.post("/predict_batch", json={"rows": [{"x": 1}, {"x": 2}]})
    assert response.json() == {"ys": [2, 4]}


def test_an_error_of_the_service_is_answered_as_its_nearest_ancestor(client: TestClient) -> None:
    response = client.get("/domain")
    assert response.status_code == 422
    assert response.json()["type"] == "urn:problem-type:out-of-domain"
    assert response.json()["title"] == "Not in the domain"
    assert response.json()["detail"] == "that is too far; come nearer"


@pytest.mark.parametrize("path", ["/boom", "/nan"])
def test_an_unexpected_error_is_500_without_details(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 500
    assert response.json()["type"] == "urn:problem-type:internal-server-error"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    for internal in ("secret", "RuntimeError", "ValueError", "Traceback"):
        assert internal not in response.text


def test_every_problem_is_ascii(client: TestClient) -> None:
    response = client.post("/predict", content='{"x": 1, "é": 2}'.encode(), headers=JSON)
    assert response.content.isascii()
    assert json.loads(response.content)["errors"][0]["field"] == "é"


def test_an_endpoint_that_is_not_a_coroutine_is_refused_at_start() -> None:
    router = APIRouter(prefix="/nested")

    @router.get("/blocking")
    def blocking() -> None: ...

    outer = APIRouter()
    outer.include_router(router)
    spec = ServiceSpec(name="x", title="x", version="1", description="", router=outer)
    with pytest.raises(TypeError, match=r"/nested/blocking: .*blocking must be `async def`"):
        create_app(ServiceSettings(), spec)
