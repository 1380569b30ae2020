"""Models of the API's responses, for its documentation."""

from typing import Annotated

from pydantic import BaseModel, Field
from servicekit.answer_warnings import AnswerWarning

from chicagotaxi.batch.reader import BatchInfo
from chicagotaxi.city import AREAS, CITY
from chicagotaxi.schema import ClockTime, DemandCategory, PipelineStatus

Area = Annotated[int, Field(ge=AREAS[0], le=AREAS[-1], description="Number of the area.")]


class DemandRow(BaseModel):
    """Expected demand in one area and hour."""

    pickup_community_area: Area
    start: ClockTime = Field(description=f"Start of the hour, {CITY.name} wall clock.")
    hour: int = Field(ge=0, le=23)
    day_of_week: int = Field(ge=1, le=7, description="1 for Sunday to 7 for Saturday.")
    is_weekend: bool
    predicted_demand: float = Field(ge=0, description="Expected trips.")
    lower: float = Field(ge=0, description="Lower end of the interval.")
    upper: float = Field(ge=0, description="Upper end of the interval.")
    demand_category: DemandCategory
    avg_fare: float | None = Field(
        description=f"Usual fare at this clock hour, in {CITY.currency}; null if unknown."
    )
    avg_distance_miles: float | None = Field(
        description="Usual distance at this clock hour, in miles; null if unknown."
    )
    warnings: list[AnswerWarning] = Field(
        description="Reasons why the forecast is less reliable than others; may be empty."
    )


class AreaSummary(BaseModel):
    """One area, summarized over all predicted hours."""

    area_id: Area
    name: str
    avg_demand: float = Field(description="Mean of the expected trips per hour.")
    peak_hour: int = Field(ge=0, le=23, description="Hour of the day with the most expected trips.")
    total_records: int = Field(description="Number of predicted hours.")


class RefusedBatch(BaseModel):
    """Why the latest batch is not served."""

    code: str = Field(description="Stable name of the reason.")
    reason: str = Field(description="The reason, with the remedy.")


class StatusResponse(BaseModel):
    """The batch that is served, the refused batch, and the status of the pipeline's last run."""

    serving: BatchInfo | None
    refused: RefusedBatch | None
    last_run: PipelineStatus | None
