"""A service's own parts: background work, a readiness check, headers, a page."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import cast

import pytest
from fastapi import APIRouter, FastAPI
from servicekit import NotReadyError, Runtime, ServiceSettings, ServiceSpec, create_app
from servicekit.background import restart_pauses
from servicekit.testing import wait_until
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = "k" * 32


class Store:
    """Filled by background work, once a test allows it."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.full = False
        self.cancelled = False

    async def fill(self, runtime: Runtime) -> None:
        try:
            await self.go_on.wait()
            self.full = runtime.name == "own"
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def readiness_check(self, runtime: Runtime) -> NotReadyError | None:
        return None if self.full else NotReadyError(f"{runtime.name} is empty; wait")


async def fail(runtime: Runtime) -> None:
    raise RuntimeError(f"secret internals of {runtime.name}")


def make_client(sealed_model: Path, *, front: str = "/front", **parts: object) -> TestClient:
    router = APIRouter()

    @router.get(front)
    async def front_page() -> Response:
        return PlainTextResponse("own front page")

    @router.get("/cached")
    async def cached() -> Response:
        return PlainTextResponse(
            "x", headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "own"}
        )

    @router.get("/page")
    async def page() -> Response:
        return PlainTextResponse("page")

    spec = ServiceSpec(
        name="own", title="Own", version="1", description="Own.", router=router,
        open_paths=("/page",), **parts,  # type: ignore[arg-type]
    )  # fmt: skip
    settings = ServiceSettings.model_validate(
        {"app_env": "test", "model_dir": sealed_model, "api_keys": KEY}
    )
    return TestClient(create_app(settings, spec), headers={"X-API-Key": KEY})


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def client(sealed_model: Path, store: Store) -> Iterator[TestClient]:
    with make_client(
        sealed_model, background=store.fill, readiness_check=store.readiness_check
    ) as client:
        wait_until(
            lambda: client.get("/model_info").json()["verdict"] == "proven", "the model is proven"
        )
        yield client


def test_a_readiness_check_keeps_it_from_being_ready_until_the_background_work_is_done(
    client: TestClient, store: Store
) -> None:
    before = client.get("/ready")
    assert client.portal is not None
    client.portal.call(store.go_on.set)
    wait_until(lambda: client.get("/ready").status_code == 200, "the check passes")

    assert before.status_code == 503
    assert before.json()["type"] == "urn:problem-type:not-ready"
    assert before.json()["detail"] == "own is empty; wait"


def test_the_background_is_cancelled_at_the_end(sealed_model: Path, store: Store) -> None:
    with make_client(sealed_model, background=store.fill) as client:
        assert client.get("/health").status_code == 200
    assert store.cancelled


def test_the_lifespan_surrounds_model_and_background(sealed_model: Path, store: Store) -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
        seen.append((runtime.name, runtime.opened))
        yield
        seen.append(store.cancelled)

    with make_client(sealed_model, background=store.fill, lifespan=lifespan) as client:
        assert client.get("/health").status_code == 200
        assert seen == [("own", None)]
    assert seen == [("own", None), True]


def test_a_failed_background_makes_it_not_ready_without_details(
    sealed_model: Path,
) -> None:
    with make_client(sealed_model, background=fail) as client:
        wait_until(
            lambda: "The background work failed" in client.get("/ready").text,
            "the failure is reported",
        )
        response = client.get("/ready")
        assert response.status_code == 503
        assert "secret" not in response.text
        assert client.get("/health").status_code == 200


def test_failed_background_work_is_restarted(sealed_model: Path) -> None:
    begun = 0

    async def fail_twice(runtime: Runtime) -> None:
        nonlocal begun
        begun += 1
        if begun <= 2:
            raise RuntimeError(runtime.name)
        await asyncio.sleep(3600)

    with make_client(sealed_model, background=fail_twice) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "it works at last")
        assert begun == 3


def test_the_pauses_between_two_failures_grow_to_a_minute() -> None:
    assert list(islice(restart_pauses(), 10)) == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_an_endpoint_keeps_the_headers_that_it_sets(client: TestClient) -> None:
    own = client.get("/cached").headers
    others = client.get("/page").headers

    assert own.get_list("cache-control") == ["max-age=60"]
    assert own.get_list("content-security-policy") == ["own"]
    assert own["x-content-type-options"] == "nosniff"
    assert others.get_list("cache-control") == ["no-store"]


def test_only_the_open_paths_of_a_service_need_no_key(client: TestClient) -> None:
    del client.headers["X-API-Key"]

    assert client.get("/page").status_code == 200
    assert client.get("/cached").status_code == 401


def test_a_front_page_of_its_own_needs_a_key_unless_it_is_open(
    sealed_model: Path,
) -> None:
    with make_client(sealed_model, front="/") as client:
        assert client.get("/").text == "own front page"
        del client.headers["X-API-Key"]
        assert client.get("/").status_code == 401


class Stamp:
    """Middleware that a team adds."""

    def __init__(self, app: ASGIApp, *, text: str) -> None:
        self.app = app
        self.text = text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-stamp", self.text.encode())]
            await send(message)

        await self.app(scope, receive, stamped)


def test_added_middleware_is_around_every_answer(sealed_model: Path) -> None:
    client = make_client(sealed_model)
    cast("FastAPI", client.app).add_middleware(Stamp, text="seen")
    with client:
        assert client.get("/page", headers={"X-API-Key": KEY}).headers["x-stamp"] == "seen"
        assert client.get("/nowhere", headers={"X-API-Key": KEY}).headers["x-stamp"] == "seen"


def test_an_added_exception_handler_is_refused(sealed_model: Path) -> None:
    app = cast("FastAPI", make_client(sealed_model).app)
    with pytest.raises(TypeError, match=r"Add the exception there"):
        app.add_exception_handler(ValueError, lambda _request, _error: Response())
