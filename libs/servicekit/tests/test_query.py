from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from servicekit import ServiceSettings, ServiceSpec, create_app
from starlette.testclient import TestClient


class Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = 10
    after: str | None = None


def make_router() -> APIRouter:
    router = APIRouter()

    @router.get("/demand")
    async def demand(
        area: int | None = None, day: Annotated[int | None, Query(alias="date")] = None
    ) -> dict[str, object]:
        return {"area": area, "date": day}

    @router.get("/many")
    async def many(area: Annotated[list[int] | None, Query()] = None) -> dict[str, object]:
        return {"area": area}

    @router.get("/items/{item}")
    async def item(item: str, full: bool = False) -> dict[str, object]:
        return {"item": item, "full": full}

    @router.get("/pages")
    async def pages(page: Annotated[Page, Query()]) -> Page:
        return page

    @router.post("/predict")
    async def predict(x: Annotated[float, Field(ge=0)], explain: bool = False) -> dict[str, object]:
        return {"x": x, "explain": explain}

    return router


@pytest.fixture
def client() -> Iterator[TestClient]:
    spec = ServiceSpec("queries", "Queries", "1.0.0", "For tests.", make_router())
    with TestClient(create_app(ServiceSettings(), spec)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/demand", {"area": None, "date": None}),
        ("/demand?", {"area": None, "date": None}),
        ("/demand?area=8", {"area": 8, "date": None}),
        ("/demand?area=8&date=3", {"area": 8, "date": 3}),
        ("/demand?%61rea=8", {"area": 8, "date": None}),
        ("/many?area=8&area=9", {"area": [8, 9]}),
        ("/items/a%20b?full=true", {"item": "a b", "full": True}),
        ("/pages?limit=3", {"limit": 3, "after": None}),
    ],
)
def test_known_parameters_are_accepted(
    client: TestClient, path: str, answer: dict[str, object]
) -> None:
    response = client.get(path)

    assert (response.status_code, response.json()) == (200, answer)


@pytest.mark.parametrize(
    ("path", "field", "message", "code"),
    [
        (
            "/demand?area_id=8",
            "area_id",
            "Unknown parameter; known are: area, date",
            "unknown_parameter",
        ),
        ("/demand?day=8", "day", "Unknown parameter; known are: area, date", "unknown_parameter"),
        ("/demand?Area=8", "Area", "Unknown parameter; known are: area, date", "unknown_parameter"),
        ("/demand?area=1&area=8", "area", "Given 2 times; give it once", "repeated_parameter"),
        ("/demand?area=8&area=8", "area", "Given 2 times; give it once", "repeated_parameter"),
        ("/demand?area=8&%61rea=9", "area", "Given 2 times; give it once", "repeated_parameter"),
        ("/demand?area=8&=", "", "Unknown parameter; known are: area, date", "unknown_parameter"),
        ("/demand?x", "x", "Unknown parameter; known are: area, date", "unknown_parameter"),
        ("/items/a?color=red", "color", "Unknown parameter; known are: full", "unknown_parameter"),
        ("/pages?limit=1&limit=2", "limit", "Given 2 times; give it once", "repeated_parameter"),
        ("/model_info?v=2", "v", "Unknown parameter; known are: none", "unknown_parameter"),
    ],
)
def test_an_unknown_or_repeated_parameter_is_422_and_named(
    client: TestClient, path: str, field: str, message: str, code: str
) -> None:
    response = client.get(path)

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:problem-type:validation"
    assert response.json()["errors"] == [
        {"location": "query", "field": field, "message": message, "code": code}
    ]


def test_an_unknown_parameter_of_a_post_is_422(client: TestClient) -> None:
    assert client.post("/predict?x=1&explain=true").json() == {"x": 1.0, "explain": True}
    assert client.post("/predict?x=1&explian=true").status_code == 422


def test_all_wrong_parameters_are_named(client: TestClient) -> None:
    errors = client.get("/demand?a=1&area=1&b=2&area=3").json()["errors"]

    assert [error["field"] for error in errors] == ["a", "area", "b"]


def test_a_thousand_unknown_parameters_are_counted_and_few_are_listed(client: TestClient) -> None:
    document = client.get("/demand?" + "&".join(f"x{n}" for n in range(1_000))).json()

    assert len(document["errors"]) == 20
    assert "1000" in document["detail"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_probes_accept_any_query(client: TestClient, path: str) -> None:
    assert client.get(f"{path}?verbose=1").status_code == client.get(path).status_code


def test_unknown_paths_and_wrong_methods_are_answered_as_without_a_query(
    client: TestClient,
) -> None:
    assert client.get("/nowhere?x=1").status_code == 404
    assert client.delete("/demand?x=1").status_code == 405


def test_a_refused_query_is_counted_under_its_route(client: TestClient) -> None:
    client.get("/demand?area_id=8")

    line = 'http_requests_total{method="GET",route="/demand",status="422"} 1.0'
    assert line in client.get("/metrics").text
