"""The endpoints that every service has: probes, metrics, model information."""

from typing import Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, JsonValue
from starlette.responses import JSONResponse, PlainTextResponse, Response

from servicekit.errors import DrainingError, ServiceError
from servicekit.problems import ProblemResponse, ProblemSpec
from servicekit.runtime import Runtime, RuntimeDep

_STRING: Final = {"type": "string"}
PROBE_PATHS = ("/health", "/ready", "/metrics")


class ManifestEssentials(BaseModel):
    """The essentials of the model's manifest, without the golden set."""

    name: str
    version: str
    created: str
    git_commit: str | None
    python: str
    platform: str
    written_with: dict[str, str]
    data: dict[str, JsonValue]
    metrics: dict[str, float]
    parameters: dict[str, JsonValue]


class Health(BaseModel):
    """The answer of a process that is alive.

    Attributes:
        status: ``healthy`` with a proven model, ``degraded`` without one.
        model_loaded: Whether there is a proven model.
    """

    status: Literal["healthy", "degraded"]
    model_loaded: bool


class RefusalInfo(BaseModel):
    """The reason why the model was refused."""

    code: str
    message: str


class ModelInfo(BaseModel):
    """The model that this process serves, or the reason why it serves none."""

    verdict: str
    sha256: str | None = None
    manifest: ManifestEssentials | None = None
    running: dict[str, str] = {}
    refusal: RefusalInfo | None = None


def system_router() -> APIRouter:
    """Liveness, readiness, metrics and the model's identity."""
    router = APIRouter(tags=["system"])

    # Always 200: the orchestrator would restart a process that reports why it has no model.
    # Rendered once: FastAPI would validate the constant for every probe.
    answers = {
        loaded: Health(
            status="healthy" if loaded else "degraded", model_loaded=loaded
        ).model_dump_json()
        for loaded in (True, False)
    }

    @router.get("/health", summary="Whether the process is alive", response_model=Health)
    async def health(runtime: RuntimeDep) -> Response:
        return Response(answers[runtime.opened is not None], media_type="application/json")

    @router.get(
        "/ready",
        summary="Whether to send requests here",
        responses={503: {"description": "Loading, refused or draining, with the reason"}},
    )
    async def ready(request: Request, runtime: RuntimeDep) -> Response:
        reason = _not_ready(runtime)
        if reason is None:
            return JSONResponse({"status": "ready"})
        return _not_ready_response(request, runtime, reason)

    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=PlainTextResponse,
        responses={200: {"content": {"application/openmetrics-text": {"schema": _STRING}}}},
    )
    async def metrics(request: Request, runtime: RuntimeDep) -> Response:
        content, content_type = runtime.metrics.render(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": content_type})

    @router.get("/model_info", summary="The model, its manifest, and the versions that run")
    async def model_info(runtime: RuntimeDep) -> ModelInfo:
        return _model_info(runtime)

    return router


def _not_ready(runtime: Runtime) -> ServiceError | None:
    if runtime.lifecycle.draining:
        return DrainingError()
    return runtime.not_ready() if runtime.opened is None else runtime.readiness_check()


def _not_ready_response(request: Request, runtime: Runtime, reason: ServiceError) -> Response:
    refusal = runtime.refusal
    return ProblemResponse(
        ProblemSpec(reason.status, reason.code, reason.title),
        reason.detail,
        request.scope["state"]["request_id"],
        headers=reason.headers,
        extra=None if refusal is None else {"refusal": refusal.code},
    )


def _model_info(runtime: Runtime) -> ModelInfo:
    refusal = runtime.refusal
    if refusal is not None:
        return ModelInfo(
            verdict="refused",
            refusal=RefusalInfo(code=refusal.code, message=runtime.refusal_reason),
        )
    opened = runtime.opened
    if opened is None:
        return ModelInfo(verdict="loading")
    manifest = opened.manifest
    return ModelInfo(
        verdict="proven",
        sha256=opened.sha256,
        running=dict(opened.running),
        manifest=ManifestEssentials(
            name=manifest.name,
            version=manifest.version,
            created=manifest.created.isoformat(),
            git_commit=manifest.git_commit,
            python=manifest.python,
            platform=manifest.platform,
            written_with=manifest.guarded,
            data=manifest.data,
            metrics=manifest.metrics,
            parameters=manifest.parameters,
        ),
    )
