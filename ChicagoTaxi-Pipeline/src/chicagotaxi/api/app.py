"""The HTTP API: demand by area and hour, the areas, the pipeline's status, and a map."""

import hashlib
from collections.abc import Mapping
from datetime import date as Day  # noqa: N812 - `date` is a parameter's name
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from modelwatch.log import LogPlaceSettings, publish_report
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from servicekit import RuntimeDep, ServiceSettings, ServiceSpec, get_runtime, load_settings
from servicekit import create_app as create_service
from starlette.responses import Response

from chicagotaxi.api.index import DemandIndex
from chicagotaxi.api.map_page import render_page
from chicagotaxi.api.reloader import PredictionsReloader
from chicagotaxi.api.responses import AreaSummary, DemandRow, StatusResponse
from chicagotaxi.city import AREAS, CITY
from chicagotaxi.schema import DEFAULT_OUT, PREDICTIONS

DESCRIPTION = f"""\
Expected trips in {CITY.name}'s {len(AREAS)} {CITY.areas_title}, by hour, for a week ahead.
Responses come from the latest batch of predictions. They and their ETag change when a new batch is
loaded.
"""

MAX_LIMIT: Final = 10_000
_JSON: Final = "application/json"
_NOT_MODIFIED: Final = 304


class Settings(LogPlaceSettings, ServiceSettings):
    """The settings of every service, with this one's port and folders."""

    port: int = Field(8003, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    model_dir: Path = Field(Path("models/chicagotaxi"), description="Folder of the sealed model.")
    predictions_dir: Path = Field(
        DEFAULT_OUT / PREDICTIONS, description="Folder of the batches of predictions."
    )
    predictions_poll_s: float = Field(
        5.0, gt=0, le=3600, description="Seconds between two checks for a new batch."
    )
    cache_s: int = Field(
        60, ge=0, le=86_400, description="Seconds for which clients may cache a response."
    )


class DemandQuery(BaseModel):
    """Query parameters of ``/demand``. A parameter that is not given matches all rows."""

    model_config = ConfigDict(frozen=True)

    area: Annotated[
        int | None, Field(ge=AREAS[0], le=AREAS[-1], description="Number of the area.")
    ] = None
    hour: Annotated[int | None, Field(ge=0, le=23, description="Hour of the day.")] = None
    day_of_week: Annotated[
        int | None, Field(ge=1, le=7, description="1 for Sunday to 7 for Saturday.")
    ] = None
    date: Annotated[Day | None, Field(description="Day, as 2026-11-22.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Largest number of rows.")] = 100


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service."""
    settings = settings if settings is not None else load_settings(Settings)
    predictions = PredictionsReloader(settings.predictions_dir, poll_s=settings.predictions_poll_s)
    return create_service(
        settings,
        ServiceSpec(
            name="chicagotaxi",
            title="ChicagoTaxi Demand",
            version=version("chicagotaxi"),
            description=DESCRIPTION,
            router=_router(settings, predictions),
            background=predictions.watch,
            # The jobs that predict write the log.
            lifespan=lambda runtime: publish_report(settings.prediction_log, runtime.metrics),
            readiness_check=predictions.readiness_check,
            open_paths=("/",),
        ),
    )


def _router(settings: Settings, predictions: PredictionsReloader) -> APIRouter:
    router = APIRouter(tags=["demand"])
    release = version("chicagotaxi")
    page = render_page()
    page_tag = _tag(page.body)
    # With API keys, only the client may cache a response, and no shared cache.
    scope = "private" if settings.authenticates else "public"
    caching = f"{scope}, max-age={settings.cache_s}"

    def batch_tag(index: DemandIndex) -> str:
        # Another release may format the same predictions differently.
        return f'"{index.info.batch}-{release}"'

    @router.get(
        "/demand",
        responses=_documented(list[DemandRow]),
        response_class=Response,
        openapi_extra={"parameters": _parameters(DemandQuery)},
    )
    async def demand(request: Request) -> Response:
        """Expected trips, sorted by hour and area. X-Total-Count is the number of all matches."""
        # The most requested path. FastAPI's own validation of five parameters takes longer than the
        # query itself, so they are validated here in one step.
        _ = (await get_runtime(request)).model  # 503 if it is refused or still loading
        query = _validated(request)
        index = predictions.index
        tag = batch_tag(index)
        headers = {"Cache-Control": caching, "ETag": tag}
        if _is_cached(request, tag):
            return Response(status_code=_NOT_MODIFIED, headers=headers)
        found = index.find(
            area=query.area,
            hour=query.hour,
            day_of_week=query.day_of_week,
            day=query.date,
            limit=query.limit,
        )
        headers["X-Total-Count"] = str(found.total)
        return Response(found.body, media_type=_JSON, headers=headers)

    @router.get("/areas", responses=_documented(list[AreaSummary]), response_class=Response)
    async def areas(request: Request, runtime: RuntimeDep) -> Response:
        """Every area, summarized over all predicted hours."""
        _ = runtime.model
        index = predictions.index
        return _respond(request, index.areas_body, batch_tag(index), caching)

    @router.get("/pipeline/status", responses=_documented(StatusResponse), response_class=Response)
    async def pipeline_status(request: Request) -> Response:
        """The batch that is served, and the status of the pipeline's last run."""
        body = predictions.status
        return _respond(request, body, _tag(body), "no-cache")

    @router.get("/", include_in_schema=False)
    async def map_page(request: Request) -> Response:
        return _respond(
            request, page.body, page_tag, "no-cache", media_type="text/html", extra=page.headers
        )

    return router


def _validated(request: Request) -> DemandQuery:
    try:
        return DemandQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        # In the form of FastAPI's own errors of parameters.
        raise RequestValidationError(
            [{**one, "loc": ("query", *one["loc"])} for one in error.errors(include_url=False)]
        ) from error


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a query as OpenAPI parameters."""
    fields = query.model_json_schema()["properties"].items()
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        | ({"description": schema["description"]} if "description" in schema else {})
        for name, schema in fields
    ]


def _respond(
    request: Request,
    body: bytes,
    tag: str,
    caching: str,
    *,
    media_type: str = _JSON,
    extra: Mapping[str, str] | None = None,
) -> Response:
    headers = {"Cache-Control": caching, "ETag": tag, **(extra or {})}
    if _is_cached(request, tag):
        return Response(status_code=_NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _is_cached(request: Request, tag: str) -> bool:
    """Whether the client has this response already."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    # Proxies mark a tag as weak when they compress a response.
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in given.split(","))


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _documented(model: Any) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - a type
    return {
        200: {"model": model, "description": "From the batch that is served."},
        304: {"description": "The client has this response already."},
        503: {"description": "The model is not ready, or there are no predictions yet."},
    }
