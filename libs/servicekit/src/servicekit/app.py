"""The application factory."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any, NoReturn, get_origin

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute, iter_route_contexts
from modelseal import open_sealed
from pydantic.fields import FieldInfo
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.concurrency_limiter import ConcurrencyLimiter
from servicekit.docs import DOCS_PATHS, FRONT_PAGE_PATH, docs_router, front_page_router
from servicekit.json_body import StrictRoute
from servicekit.lifecycle import Lifecycle
from servicekit.metrics import Metrics
from servicekit.openapi import openapi_document
from servicekit.problems import ProblemCatalog
from servicekit.request.access_log import AccessLog
from servicekit.request.admission import Admission
from servicekit.request.auth import ApiKeys
from servicekit.request.endpoints import Endpoints
from servicekit.request.layer import RequestLayer
from servicekit.request.query import QueryCheck
from servicekit.runtime import ModelOpener, Runtime
from servicekit.settings import ServiceSettings
from servicekit.spec import ServiceSpec
from servicekit.system import PROBE_PATHS, system_router
from servicekit.workers import WorkerPool


def create_app(
    settings: ServiceSettings, spec: ServiceSpec, *, open_model: ModelOpener = open_sealed
) -> FastAPI:
    """Build a service's application from its own endpoints.

    Args:
        settings: The service's settings.
        spec: The service.
        open_model: Opens the sealed model.

    Returns:
        The application. It starts to load the model when its lifespan starts, and answers
        ``/health`` from then on; `app.state.runtime` is its runtime.

    Raises:
        TypeError: An endpoint is not a coroutine: FastAPI would run it in its own thread pool,
            which has no deadline and no bound on threads. Or an endpoint reads JSON, or a list,
            without a bound on its cost.
    """
    lifecycle, metrics = Lifecycle(), Metrics()
    limiter = ConcurrencyLimiter(
        limit=settings.max_concurrent_requests, queue=settings.max_queued_requests
    )
    runtime = Runtime(
        spec.name,
        settings,
        lifecycle=lifecycle,
        metrics=metrics,
        workers=WorkerPool(settings.worker_threads),
        open_model=open_model,
    )
    metrics.watch("http_requests_in_flight", "Requests that are worked on.", lambda: limiter.active)
    metrics.watch(
        "http_requests_queued", "Requests that wait in the queue.", lambda: limiter.queued
    )
    metrics.watch("worker_threads_busy", "Threads at work.", lambda: runtime.workers.busy)
    catalog = ProblemCatalog(spec.problems, on_refusal=metrics.count_refusal)

    app = _Service(
        title=spec.title,
        version=spec.version,
        description=spec.description,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(runtime, spec),
    )
    app.state.runtime = runtime
    app.include_router(spec.router)
    app.include_router(system_router())
    open_paths = [*DOCS_PATHS, *spec.open_paths]
    if settings.docs:
        own_front_page = FRONT_PAGE_PATH in _paths(app)
        document = openapi_document(
            app, settings, spec.problems, open_paths=[*PROBE_PATHS, *spec.open_paths]
        )
        app.include_router(docs_router(document))
        if not own_front_page:
            app.include_router(front_page_router(document))
            open_paths.append(FRONT_PAGE_PATH)
    _check_endpoints(app)
    app.layer = RequestLayer(
        Endpoints(app, AsyncExitStackMiddleware(app.router), runtime),
        settings,
        lifecycle,
        log=AccessLog(
            spec.name,
            metrics,
            quiet=PROBE_PATHS,
            known=[*PROBE_PATHS, *DOCS_PATHS, *(path for path in _paths(app) if "{" not in path)],
        ),
        catalog=catalog,
        keys=ApiKeys(key.get_secret_value() for key in settings.api_keys)
        if settings.authenticates
        else None,
        query=QueryCheck(app.openapi),
        admission=Admission(limiter, queue_timeout_s=settings.queue_timeout_s),
        probes=PROBE_PATHS,
        open_paths=open_paths,
    )
    return app


class _Service(FastAPI):
    """A FastAPI application whose requests pass one layer in place of FastAPI's middleware.

    Attributes:
        layer: The layer, with the endpoints inside. Middleware that is added is around it.
    """

    layer: ASGIApp

    @cached_property
    def _outermost(self) -> ASGIApp:
        app = self.layer
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return app

    def add_exception_handler(self, *_arguments: object) -> NoReturn:
        """Refuse a handler, which would not be called.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "ServiceSpec.problems declares how exceptions are answered. Add the exception there."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop the application."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self._outermost(scope, receive, send)


def _lifespan(runtime: Runtime, spec: ServiceSpec) -> Any:  # noqa: ANN401 - FastAPI's type is not public
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with spec.lifespan(runtime) if spec.lifespan is not None else nullcontext():
            runtime.start(background=spec.background, readiness_check=spec.readiness_check)
            yield
            await runtime.stop()

    return lifespan


def _paths(app: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(app.routes):
        if context.path is not None:
            yield context.path


def _check_endpoints(app: FastAPI) -> None:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            continue
        if not iscoroutinefunction(route.endpoint):
            raise TypeError(
                f"{context.path}: {route.endpoint.__qualname__} must be `async def`; run long "
                "work with `await runtime.run_in_worker(...)`"
            )
        bodies = route.dependant.body_params
        if bodies and not isinstance(route, StrictRoute):
            raise TypeError(f"{context.path}: take a `ServiceRouter`, so that its JSON is bounded")
        for body in bodies:
            if get_origin(body.field_info.annotation) is list and not _is_bounded(body.field_info):
                raise TypeError(
                    f"{context.path}: {body.name} must be a `Batch` with a `max_length`, so that "
                    "the cost of validating it is bounded"
                )


def _is_bounded(field: FieldInfo) -> bool:
    return all(
        any(getattr(one, bound, None) is not None for one in field.metadata)
        for bound in ("max_length", "fail_fast")
    )
