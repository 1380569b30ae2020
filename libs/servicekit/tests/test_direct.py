"""Endpoints that are called directly answer as FastAPI would."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, Query, Request
from modelseal import open_sealed
from pydantic import BaseModel, ConfigDict, Field
from servicekit import (
    NotReadyError,
    RuntimeDep,
    ServiceRouter,
    ServiceSettings,
    ServiceSpec,
    create_app,
)
from servicekit.request.endpoints import direct_endpoints
from servicekit.testing import wait_until
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    item: Annotated[str, Field(min_length=1)]
    amount: Annotated[int, Field(ge=1)] = 1
    day: date | None = None


class Receipt(BaseModel):
    item: str
    total: float


class Secret(Receipt):
    internal: str = "not part of the answer"


counts: list[str] = []


async def get_counter(runtime: RuntimeDep) -> str:
    counts.append(runtime.name)
    return f"{runtime.name} {len(counts)}"


Counter = Annotated[str, Depends(get_counter)]


async def get_prefix(counter: Counter) -> str:
    return f"after {counter}"


async def get_nothing() -> str:
    raise NotReadyError("there is nothing yet")


def get_plain() -> str:
    return "from a thread"


def make_router() -> ServiceRouter:
    router = ServiceRouter()

    @router.get("/shadow/{name}")
    async def shadow(name: str) -> dict[str, str]:
        return {"name": name}

    @router.get("/shadow/fixed")
    async def fixed() -> dict[str, str]:
        return {"name": "never reached"}

    @router.post("/order")
    async def order(
        order: Order,
        prefix: Annotated[str, Depends(get_prefix)],
        counter: Counter,
        gift: Annotated[bool, Query()] = False,
    ) -> Receipt:
        item = f"{order.item} on {order.day}, gift {gift}, {prefix}, {counter}"
        return Secret(item=item, total=1.5 * order.amount)

    @router.post("/nothing")
    async def nothing(order: Order, nothing: Annotated[str, Depends(get_nothing)]) -> Receipt:
        return Receipt(item=order.item + nothing, total=0.0)

    @router.get("/echo")
    async def echo(request: Request) -> Response:
        return PlainTextResponse(request.url.path + request.headers["x-echo"], status_code=201)

    @router.get("/wrong")
    async def wrong() -> Receipt:
        return {"item": "x"}  # type: ignore[return-value]

    @router.get("/any")
    async def anything():  # type: ignore[no-untyped-def] # noqa: ANN202
        return {"day": date(2026, 11, 29)}

    @router.get("/header")
    async def header(x_echo: Annotated[str, Header()]) -> dict[str, str]:
        return {"header": x_echo}

    @router.get("/thread")
    async def thread(plain: Annotated[str, Depends(get_plain)]) -> dict[str, str]:
        return {"plain": plain}

    @router.post("/created", status_code=201)
    async def created(order: Order) -> Receipt:
        return Receipt(item=order.item, total=0.0)

    @router.get("/required")
    async def required(size: int) -> dict[str, int]:
        return {"size": size}

    @router.get("/mutable")
    async def mutable(
        sizes: Annotated[list[int], Query(default_factory=lambda: [1])],
    ) -> dict[str, list[int]]:
        sizes.append(2)
        return {"sizes": sizes}

    @router.get("/optional")
    async def optional(size: Annotated[int | None, Query(ge=1)] = None) -> dict[str, int | None]:
        return {"size": size}

    @router.get("/nan")
    async def nan() -> dict[str, float]:
        return {"nan": float("nan")}

    return router


def make_app(sealed_model: Path) -> FastAPI:
    settings = ServiceSettings.model_validate({"app_env": "test", "model_dir": sealed_model})
    spec = ServiceSpec(
        name="direct", title="Direct", version="1", description="", router=make_router()
    )
    return create_app(settings, spec, open_model=open_sealed)


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False, headers={"X-Echo": "echo"})


@pytest.fixture(scope="module")
def direct(sealed_model: Path) -> Iterator[TestClient]:
    with client_of(make_app(sealed_model)) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "the model is proven")
        yield client


@pytest.fixture(scope="module")
def through_fastapi(sealed_model: Path) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("servicekit.request.endpoints.direct_endpoints", lambda _app, _runtime: {})
        app = make_app(sealed_model)
    with client_of(app) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "the model is proven")
        yield client


def asked(client: TestClient, method: str, url: str, options: dict[str, Any]) -> dict[str, Any]:
    counts.clear()
    response = client.request(
        method,
        url,
        headers={"X-Request-ID": "one"} | options.get("headers", {}),
        content=options.get("content"),
    )
    return {
        "status": response.status_code,
        "headers": sorted(response.headers.items()),
        "body": response.content,
        "dependencies called": len(counts),
    }


def order(body: object, **headers: str) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"content": content, "headers": JSON | headers}


def as_type(media_type: str) -> dict[str, str]:
    return {"Content-Type": media_type}


@pytest.mark.parametrize(
    ("method", "url", "options"),
    [
        ("POST", "/order", order({"item": "tea", "amount": 2, "day": "2026-11-29"})),
        ("POST", "/order", order({"item": "tea", "amount": 2.0})),
        ("POST", "/order?gift=true", order({"item": "tea"})),
        ("POST", "/order?gift=perhaps", order({"item": "tea"})),
        ("POST", "/order?unknown=1", order({"item": "tea"})),
        ("POST", "/order", order({"item": "tea"}, **as_type("application/json; charset=utf-8"))),
        ("POST", "/order", order({"item": "tea"}, **as_type("Application/JSON"))),
        ("POST", "/order", order({"item": "tea"}, **as_type("application/vnd.tea+json"))),
        ("POST", "/order", order({"item": "tea"}, **as_type("text/plain"))),
        ("POST", "/order", {"content": b'{"item": "tea"}'}),
        ("POST", "/order", order({"item": "tea", "amount": 0, "size": 3})),
        ("POST", "/order", order({})),
        ("POST", "/order", order([])),
        ("POST", "/order", order(None)),
        ("POST", "/order", order(b"")),
        ("POST", "/order", order(b"{")),
        ("POST", "/order", order(b'{"item": "a", "item": "b"}')),
        ("POST", "/order", order('{"item": "tea"}'.encode("utf-16"))),
        ("POST", "/order", order(b'{"item": "\\ud800"}')),
        ("POST", "/order", order(b'{"item": "\xff"}')),
        ("POST", "/order", order({"item": "t" * 9000})),
        ("POST", "/order", order({"item": "t" * 9000, "amount": "many"})),
        ("POST", "/order", order(b"[" * 2000)),
        ("POST", "/nothing", order({"item": "tea"})),
        ("POST", "/nothing", order({"item": ""})),
        ("GET", "/order", {}),
        ("HEAD", "/echo", {}),
        ("OPTIONS", "/echo", {}),
        ("GET", "/echo", {}),
        ("GET", "/echo/", {}),
        ("GET", "/shadow/fixed", {}),
        ("GET", "/wrong", {}),
        ("GET", "/any", {}),
        ("GET", "/header", {}),
        ("GET", "/thread", {}),
        ("POST", "/created", order({"item": "tea"})),
        ("GET", "/nan", {}),
        ("GET", "/required", {}),
        ("GET", "/required?size=1", {}),
        ("GET", "/mutable", {}),
        ("GET", "/optional", {}),
        ("GET", "/optional?size=1", {}),
        ("GET", "/optional?size=0", {}),
        ("GET", "/health", {}),
        ("GET", "/ready", {}),
        ("GET", "/model_info", {}),
        ("GET", "/openapi.json", {}),
        ("GET", "/docs", {}),
        ("GET", "/", {}),
    ],
)  # fmt: skip
def test_a_direct_endpoint_answers_as_fastapi_does(
    direct: TestClient, through_fastapi: TestClient, method: str, url: str, options: dict[str, Any]
) -> None:
    expected = asked(through_fastapi, method, url, options)
    assert asked(direct, method, url, options) == expected


def test_a_body_in_parts_is_read_whole(direct: TestClient) -> None:
    parts = iter([b'{"item": ', b'"tea"', b"}"])
    response = direct.post("/order", content=parts, headers=JSON)
    assert response.json()["item"].startswith("tea on None")


def test_overridden_dependencies_are_used(sealed_model: Path) -> None:
    async def get_other() -> str:
        return "another"

    app = make_app(sealed_model)
    app.dependency_overrides[get_counter] = get_other
    with client_of(app) as client:
        item = client.post("/order", json={"item": "tea"}).json()["item"]
    assert item == "tea on None, gift False, after another, another"


def test_only_endpoints_that_need_no_more_than_their_arguments_are_direct(
    sealed_model: Path,
) -> None:
    app = make_app(sealed_model)
    found = direct_endpoints(app, app.state.runtime)
    assert {path for path, _ in found} == {
        "/", "/docs", "/docs/setup.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css",
        "/echo", "/health", "/metrics", "/model_info", "/nan", "/nothing", "/openapi.json",
        "/optional", "/order", "/ready", "/wrong",
    }  # fmt: skip
