from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

Start = Callable[..., TestClient]


@pytest.fixture
def client(start: Start) -> TestClient:
    return start(api_keys=("first-key", "second-key"))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "first-key"},
        {"X-API-Key": "second-key"},
        {"Authorization": "Bearer first-key"},
        {"Authorization": "bearer second-key"},
    ],
)
def test_a_request_with_any_of_the_keys_is_answered(
    client: TestClient, headers: dict[str, str]
) -> None:
    assert client.get("/plain", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "first-ke"},
        {"X-API-Key": "first-key "[:-1] + "x"},
        {"X-API-Key": "first-key,second-key"},
        {"X-API-Key": b"\xff\xfe"},
        {"Authorization": "first-key"},
        {"Authorization": "Basic first-key"},
        {"Authorization": "Bearer "},
    ],
)
def test_a_request_without_a_valid_key_is_401(client: TestClient, headers: dict[str, str]) -> None:
    response = client.get("/plain", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["type"] == "urn:problem-type:unauthorized"


@pytest.mark.parametrize("path", ["/nowhere", "/model_info", "/plain/"])
def test_without_a_key_unknown_paths_are_401_too(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/metrics", "/", "/docs", "/openapi.json"])
def test_probes_metrics_and_docs_need_no_key(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_without_a_front_page_its_path_needs_a_key(start: Start) -> None:
    assert start(api_keys=("first-key",), docs=False).get("/").status_code == 401


def test_readiness_needs_no_key(client: TestClient) -> None:
    assert client.get("/ready").status_code in (200, 503)


def test_the_schema_names_the_ways_to_send_a_key(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert schema["security"] == [{"key": []}, {"bearer": []}]
    assert schema["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"


def test_without_keys_every_request_is_answered(start: Start) -> None:
    assert start().get("/plain").status_code == 200
