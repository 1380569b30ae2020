"""A service for the tests: in process by `make_app`, on a real socket as a script."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, FastAPI
from modelseal import open_sealed
from pydantic import BaseModel, ConfigDict, Field
from servicekit import (
    Batch,
    ProblemSpec,
    Runtime,
    RuntimeDep,
    ServiceRouter,
    ServiceSettings,
    ServiceSpec,
    create_app,
    load_settings,
    serve,
)
from servicekit.runtime import ModelOpener
from starlette.responses import Response, StreamingResponse


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    x: Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6, examples=[1.5])]


class OutOfDomainError(Exception):
    pass


class FarOutOfDomainError(OutOfDomainError):
    pass


def make_router(settings: ServiceSettings) -> APIRouter:
    router = ServiceRouter()
    bounded = Body(embed=True, min_length=1, max_length=settings.max_batch_rows)

    @router.get("/plain")
    async def plain() -> dict[str, str]:
        return {"answer": "plain"}

    @router.post("/predict")
    async def predict(row: Row, runtime: RuntimeDep) -> dict[str, float]:
        y = answer(runtime, row.x)
        runtime.count_prediction("positive" if y > 0 else "negative")
        return {"y": y}

    @router.post("/predict_batch")
    async def predict_batch(
        rows: Annotated[Batch[Row], bounded], runtime: RuntimeDep
    ) -> dict[str, list[float]]:
        ys = await runtime.run_in_worker(lambda: [answer(runtime, row.x) for row in rows])
        return {"ys": ys}

    @router.get("/items/{item}")
    async def item(item: str) -> dict[str, str]:
        return {"item": item}

    @router.get("/id")
    async def request_id(runtime: RuntimeDep) -> dict[str, str]:
        return {"id": runtime.request_id}

    @router.get("/sleep")
    async def sleep(s: float) -> dict[str, float]:
        await asyncio.sleep(s)
        return {"slept": s}

    @router.get("/hold")
    async def hold(until: Path) -> None:
        while not until.exists():  # noqa: ASYNC110, ASYNC240 - a file that the test makes
            await asyncio.sleep(0.01)

    @router.get("/work")
    async def work(s: float, runtime: RuntimeDep) -> dict[str, float]:
        await runtime.run_in_worker(time.sleep, s)
        return {"worked": s}

    @router.get("/job")
    async def job(steps: int, s: float, runtime: RuntimeDep) -> None:
        async with runtime.job("job", steps) as job:
            for _ in range(steps):
                await job.run(time.sleep, s)

    @router.get("/frozen")
    async def frozen() -> int:
        return gc.get_freeze_count()

    @router.get("/large")
    async def large(mebibytes: int) -> Response:
        return Response(b"x" * (mebibytes * 2**20))

    @router.get("/domain")
    async def domain() -> None:
        raise FarOutOfDomainError("that is too far; come nearer")

    @router.get("/boom")
    async def boom() -> None:
        raise RuntimeError("secret internals")

    @router.get("/nan")
    async def nan() -> StreamingResponse:
        raise ValueError(float("nan"))

    @router.get("/broken_stream")
    async def broken_stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun"
            await asyncio.sleep(0)
            raise RuntimeError("secret internals")

        return StreamingResponse(parts())

    return router


def answer(runtime: Runtime, x: float) -> float:
    replayed = runtime.model.predictor.replay([{"x": x}])["y"][0]
    assert isinstance(replayed, float)
    return replayed


def make_spec(settings: ServiceSettings) -> ServiceSpec:
    return ServiceSpec(
        name="example",
        title="Example <service>",
        version="1.2.3",
        description="For tests.",
        router=make_router(settings),
        problems={OutOfDomainError: ProblemSpec(422, "out-of-domain", "Not in the domain")},
    )


def make_app(settings: ServiceSettings, *, open_model: ModelOpener = open_sealed) -> FastAPI:
    return create_app(settings, make_spec(settings), open_model=open_model)


if __name__ == "__main__":
    serve(make_app(load_settings(ServiceSettings)))
