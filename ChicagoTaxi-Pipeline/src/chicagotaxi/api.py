"""The HTTP interface: demand by area and hour, the areas, the pipeline, and a map of it all."""

import hashlib
from collections.abc import Mapping
from datetime import date as Day  # noqa: N812 - `date` is a parameter's name
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from servicekit import RuntimeDep, ServiceSettings, ServiceSpec, get_runtime, load_settings
from servicekit import create_app as create_service
from starlette.responses import Response

from chicagotaxi.answers import AreaSummary, DemandRow, StatusAnswer
from chicagotaxi.index import DemandIndex
from chicagotaxi.page import render_page
from chicagotaxi.schema import AREAS, DEFAULT_OUT, PREDICTIONS
from chicagotaxi.watch import Predictions

__all__ = ["Settings", "create_app"]

DESCRIPTION = """\
Trips to expect in Chicago's 77 community areas, by hour, a week ahead. Answers come from the latest
batch of predictions; they change when a new one lands, and their ETag with them.
"""

MAX_LIMIT: Final = 10_000
_JSON: Final = "application/json"
_NOT_MODIFIED: Final = 304


class Settings(ServiceSettings):
    """The settings of every service, with this one's port and folders."""

    port: int = Field(8003, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    model_dir: Path = Field(Path("models/chicagotaxi"), description="Folder of the sealed model.")
    predictions_dir: Path = Field(
        DEFAULT_OUT / PREDICTIONS, description="Folder of the batches of predictions."
    )
    predictions_poll_s: float = Field(
        5.0, gt=0, le=3600, description="Seconds between two looks for a new batch."
    )
    cache_s: int = Field(
        60, ge=0, le=86_400, description="Seconds for which clients may keep an answer."
    )


class DemandQuery(BaseModel):
    """What ``/demand`` is asked for; without a field, for all of its values."""

    model_config = ConfigDict(frozen=True)

    area: Annotated[int | None, Field(ge=1, le=AREAS, description="Community area.")] = None
    hour: Annotated[int | None, Field(ge=0, le=23, description="Hour of the day.")] = None
    day_of_week: Annotated[
        int | None, Field(ge=1, le=7, description="1 for Sunday to 7 for Saturday.")
    ] = None
    date: Annotated[Day | None, Field(description="Day, as 2026-11-22.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Most rows.")] = 100


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service.

    Args:
        settings: Its settings; read from the environment where none are given.
    """
    settings = settings if settings is not None else load_settings(Settings)
    predictions = Predictions(settings.predictions_dir, poll_s=settings.predictions_poll_s)
    return create_service(
        settings,
        ServiceSpec(
            name="chicagotaxi",
            title="ChicagoTaxi Demand",
            version=version("chicagotaxi"),
            description=DESCRIPTION,
            router=_router(settings, predictions),
            background=predictions.watch,
            readiness_check=predictions.obstacle,
            open_paths=("/",),
        ),
    )


def _router(settings: Settings, predictions: Predictions) -> APIRouter:
    router = APIRouter(tags=["demand"])
    release = version("chicagotaxi")
    page = render_page()
    page_tag = _tag(page.body)
    # Who may ask may keep an answer; a cache between many who may not be asked for it.
    scope = "private" if settings.authenticates else "public"
    caching = f"{scope}, max-age={settings.cache_s}"

    def batch_tag(index: DemandIndex) -> str:
        # Another version may say the same predictions in other words.
        return f'"{index.info.batch}-{release}"'

    @router.get(
        "/demand",
        responses=_documented(list[DemandRow]),
        response_class=Response,
        openapi_extra={"parameters": _parameters(DemandQuery)},
    )
    async def demand(request: Request) -> Response:
        """Trips to expect, sorted by hour and area; X-Total-Count counts all that match."""
        # The one path that many clients ask often. FastAPI's own reading of five parameters costs
        # more than finding the answer, so the query is validated here, in one step.
        _ = (await get_runtime(request)).model  # refused or still loading: 503
        asked = _asked(request)
        index = predictions.index
        tag = batch_tag(index)
        headers = {"Cache-Control": caching, "ETag": tag}
        if _known(request, tag):
            return Response(status_code=_NOT_MODIFIED, headers=headers)
        found = index.find(
            area=asked.area,
            hour=asked.hour,
            day_of_week=asked.day_of_week,
            day=asked.date,
            limit=asked.limit,
        )
        headers["X-Total-Count"] = str(found.total)
        return Response(found.body, media_type=_JSON, headers=headers)

    @router.get("/areas", responses=_documented(list[AreaSummary]), response_class=Response)
    async def areas(request: Request, runtime: RuntimeDep) -> Response:
        """Every area over all hours that are predicted."""
        _ = runtime.model
        index = predictions.index
        return _answer(request, index.areas_body, batch_tag(index), caching)

    @router.get("/pipeline/status", responses=_documented(StatusAnswer), response_class=Response)
    async def pipeline_status(request: Request) -> Response:
        """The batch that is served, and what the pipeline's last run did."""
        body = predictions.status
        return _answer(request, body, _tag(body), "no-cache")

    @router.get("/", include_in_schema=False)
    async def map_page(request: Request) -> Response:
        return _answer(
            request, page.body, page_tag, "no-cache", media_type="text/html", extra=page.headers
        )

    return router


def _asked(request: Request) -> DemandQuery:
    try:
        return DemandQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        # Said as FastAPI says it of the parameters that it reads itself.
        raise RequestValidationError(
            [{**one, "loc": ("query", *one["loc"])} for one in error.errors(include_url=False)]
        ) from error


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a query as OpenAPI lists parameters."""
    fields = query.model_json_schema()["properties"].items()
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        | ({"description": schema["description"]} if "description" in schema else {})
        for name, schema in fields
    ]


def _answer(
    request: Request,
    body: bytes,
    tag: str,
    caching: str,
    *,
    media_type: str = _JSON,
    extra: Mapping[str, str] | None = None,
) -> Response:
    headers = {"Cache-Control": caching, "ETag": tag, **(extra or {})}
    if _known(request, tag):
        return Response(status_code=_NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _known(request: Request, tag: str) -> bool:
    """Whether the client has this answer already."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    # Proxies mark a tag as weak when they compress an answer.
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in given.split(","))


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _documented(model: Any) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - a type
    return {
        200: {"model": model, "description": "Made from the batch that is served."},
        304: {"description": "The client has this answer already."},
        503: {"description": "The model is not proven, or there are no predictions yet."},
    }
