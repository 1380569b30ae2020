"""Models of the API's responses, for its documentation."""

from typing import Annotated

from pydantic import BaseModel, Field
from servicekit.answer_warnings import AnswerWarning

from chicagotaxi.batch.reader import BatchInfo
from chicagotaxi.schema import ClockTime, DemandCategory, PipelineStatus

Area = Annotated[int, Field(ge=1, le=77, description="Number of the community area.")]


class DemandRow(BaseModel):
    """The demand to expect in one area and hour."""

    pickup_community_area: Area
    start: ClockTime = Field(description="Start of the hour, Chicago wall clock.")
    hour: int = Field(ge=0, le=23)
    day_of_week: int = Field(ge=1, le=7, description="1 for Sunday to 7 for Saturday.")
    is_weekend: bool
    predicted_demand: float = Field(ge=0, description="Trips to expect.")
    lower: float = Field(ge=0, description="Lower end of the interval.")
    upper: float = Field(ge=0, description="Upper end of the interval.")
    demand_category: DemandCategory
    avg_fare: float | None = Field(description="Usual fare at this clock hour, in dollars.")
    avg_distance_miles: float | None = Field(description="Usual distance at this clock hour.")
    warnings: list[AnswerWarning] = Field(
        description="Why the forecast deserves less trust than others; empty where nothing does."
    )


class AreaSummary(BaseModel):
    """One area over all hours that are predicted."""

    area_id: Area
    name: str
    avg_demand: float = Field(description="Mean of the trips to expect, per hour.")
    peak_hour: int = Field(ge=0, le=23, description="The hour of the day with most of them.")
    total_records: int = Field(description="Hours that are predicted.")


class RefusedBatch(BaseModel):
    """Why the latest batch is not the one that is served."""

    code: str = Field(description="A stable name of the reason.")
    reason: str = Field(description="What is wrong, and what to do.")


class StatusAnswer(BaseModel):
    """What is served, what was refused, and what the pipeline's last run did."""

    serving: BatchInfo | None
    refused: RefusedBatch | None
    last_run: PipelineStatus | None
