"""The application factory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction
from typing import Any, get_origin

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from modelseal import open_sealed
from pydantic.fields import FieldInfo
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from servicekit.concurrency_limiter import ConcurrencyLimiter
from servicekit.docs import DOCS_PATHS, FRONT_PAGE_PATH, docs_router, front_page_router
from servicekit.json_body import StrictRoute
from servicekit.lifecycle import Lifecycle
from servicekit.metrics import Metrics
from servicekit.middleware.admission import AdmissionMiddleware
from servicekit.middleware.auth import AuthMiddleware
from servicekit.middleware.body_limit import BodyLimitMiddleware
from servicekit.middleware.deadline import DeadlineMiddleware
from servicekit.middleware.headers import HeadersMiddleware
from servicekit.middleware.observe import ObserveMiddleware
from servicekit.middleware.problems import ProblemsMiddleware
from servicekit.middleware.query import QueryMiddleware
from servicekit.middleware.request_id import RequestIdMiddleware
from servicekit.openapi import openapi_document
from servicekit.problems import ProblemCatalog
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

    async def answer_problem(request: Request, error: Exception) -> Response:
        return catalog.response(error, request.scope)

    app = FastAPI(
        title=spec.title,
        version=spec.version,
        description=spec.description,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(runtime, spec),
        exception_handlers={
            HTTPException: answer_problem,
            RequestValidationError: answer_problem,
        },
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
    app.user_middleware = _middleware(app, runtime, limiter, catalog, open_paths)
    return app


def _middleware(
    app: FastAPI,
    runtime: Runtime,
    limiter: ConcurrencyLimiter,
    catalog: ProblemCatalog,
    open_paths: Sequence[str],
) -> list[Middleware]:
    """The layers around the endpoints, outermost first."""
    settings, lifecycle = runtime.settings, runtime.lifecycle
    known = [*PROBE_PATHS, *DOCS_PATHS, *(path for path in _paths(app) if "{" not in path)]
    layers = [
        Middleware(RequestIdMiddleware),
        Middleware(ObserveMiddleware, metrics=runtime.metrics, quiet=PROBE_PATHS, known=known),
        Middleware(HeadersMiddleware, lifecycle=lifecycle),
        Middleware(ProblemsMiddleware, catalog=catalog, lifecycle=lifecycle),
    ]
    if settings.authenticates:
        keys = [key.get_secret_value() for key in settings.api_keys]
        layers.append(Middleware(AuthMiddleware, keys=keys, open_paths=[*PROBE_PATHS, *open_paths]))
    return [
        *layers,
        Middleware(QueryMiddleware, schema=app.openapi, exempt=PROBE_PATHS),
        Middleware(
            AdmissionMiddleware,
            limiter=limiter,
            queue_timeout_s=settings.queue_timeout_s,
            exempt=PROBE_PATHS,
        ),
        Middleware(DeadlineMiddleware, seconds=settings.request_timeout_s, exempt=PROBE_PATHS),
        Middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes),
    ]


def _lifespan(runtime: Runtime, spec: ServiceSpec) -> Any:  # noqa: ANN401 - FastAPI's type is not public
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
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
