"""What the pipeline writes and the API serves: names, types and the status of a run.

All times of trips, hours and predictions are Chicago wall-clock times without a zone, as the
portal publishes them; times of the pipeline's own work are UTC.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from modelseal.paths import kind_of
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NaiveDatetime,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from servicekit.files import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "AREAS",
    "CURRENT",
    "DEFAULT_OUT",
    "HOURLY",
    "MAX_DROPPED",
    "PREDICTIONS",
    "STATUS",
    "TRIPS",
    "ClockTime",
    "Count",
    "DemandCategory",
    "InputStatus",
    "MonthTrips",
    "PipelineStatus",
    "UnknownStretch",
    "hourly_schema",
    "prediction_schema",
    "read_status",
]

# Chicago's community areas are numbered from 1 to 77.
AREAS: Final = 77

# The output folder of the pipeline and what it holds.
DEFAULT_OUT: Final = Path("data/pipeline")
TRIPS: Final = "trips"
HOURLY: Final = "hourly"
STATUS: Final = "status.json"
PREDICTIONS: Final = "predictions"
CURRENT: Final = "current"

# The real files drop 9% (March 2022) and 16% (2013 to 2016; 19% of the trips of 2013), nearly all
# of them trips whose pickup area the city does not give; the sample drops 10%. Twice the most of a
# file is more than dirt.
MAX_DROPPED: Final = 0.3

DemandCategory = Literal["LOW", "MEDIUM", "HIGH", "VERY_HIGH"]
ClockTime = Annotated[
    NaiveDatetime,
    # JSON Schema's format "date-time" (RFC 3339) has a zone, and this has none.
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$",
            "examples": ["2024-01-01T14:00:00"],
        }
    ),
]
"""A time on Chicago's clock, without a zone, in ISO 8601."""

Count = Annotated[int, Field(ge=0)]


class InputStatus(BaseModel):
    """One input file.

    Attributes:
        path: Absolute.
        dialect: What its header said it is.
        rows: How many it had.
        absent: Its names of optional columns that it lacks, which are blank in the clean trips.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    dialect: str
    rows: Count
    absent: list[str] = []


class MonthTrips(BaseModel):
    """The trips of a month: how many stood there, and how many stand there now."""

    model_config = ConfigDict(frozen=True)

    before: Count
    now: Count


class UnknownStretch(BaseModel):
    """Consecutive hours of which nothing is known, Chicago wall clock.

    Attributes:
        first: The first of them.
        last: The last of them.
        hours: How many the clock shows from the first to the last.
    """

    model_config = ConfigDict(frozen=True)

    first: ClockTime
    last: ClockTime
    hours: Annotated[int, Field(ge=1)]


class PipelineStatus(BaseModel):
    """What the last run did, as `status.json` holds it and `/pipeline/status` answers it.

    Attributes:
        run_id: Names the run.
        started: When it began, in UTC.
        finished: When its output was in place, in UTC.
        engine: What computed it: ``duckdb``, or ``pyspark`` and its master.
        inputs: The files that were read.
        rows_read: Their rows.
        rows_kept: Those that are in the clean trips.
        dropped: The others, each under the first rule that it broke; every rule is here.
        marked: Rows, kept or dropped, of which something was changed or guessed, by what it was; a
            row may have several marks. Every mark is here.
        months: The months that were written, as ``YYYY-MM``.
        month_trips: Their trips, before the run and after it.
        hours: Hours of the grid in these months.
        first_hour: The first of them, Chicago wall clock.
        last_hour: The last of them.
        unknown_hours: Hours between these two that are not on the grid, because nothing is known
            of them (`chicagotaxi.gaps` has the rule). They are not zeros.
        unknown_stretches: Their stretches, by time; of more than 50, the longest.
        unknown_stretches_in_all: How many stretches there are.
        forecast_version: Version of the model behind the predictions, where there are any.
        forecast_sha256: SHA-256 of that model's manifest.
        predictions: Name of the batch of predictions.
        horizon_hours: How many hours it looks ahead.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str
    started: AwareDatetime
    finished: AwareDatetime
    engine: str
    inputs: list[InputStatus]
    rows_read: Count
    rows_kept: Count
    dropped: dict[str, Count]
    marked: dict[str, Count] = {}
    months: list[str]
    month_trips: dict[str, MonthTrips] = {}
    hours: Count
    first_hour: ClockTime | None = None
    last_hour: ClockTime | None = None
    unknown_hours: Count = 0
    unknown_stretches: list[UnknownStretch] = []
    unknown_stretches_in_all: Count = 0
    forecast_version: str | None = None
    forecast_sha256: str | None = None
    predictions: str | None = None
    horizon_hours: int | None = None

    @model_validator(mode="after")
    def _every_row_is_accounted_for(self) -> Self:
        dropped = sum(self.dropped.values())
        read = sum(one.rows for one in self.inputs)
        if not self.rows_read == read == self.rows_kept + dropped:
            raise ValueError(
                f"{read} rows in the inputs, {self.rows_read} read, {self.rows_kept} kept and "
                f"{dropped} dropped do not add up"
            )
        return self


def read_status(out: Path) -> PipelineStatus | None:
    """The status of the last run that wrote to an output folder; None where there was none.

    Raises:
        DataError: The file is there, but is no status.
    """
    path = out / STATUS
    try:
        kind = kind_of(path)
        if kind is None:
            return None
        if kind != "file":
            raise DataError(
                f"{path} is a {kind}. Remove it; the next run of `etl` writes it again."
            )
        return PipelineStatus.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(
            f"{path} is no status of this pipeline: {error.errors()[0]['msg']}. Remove it; the "
            "next run of `etl` writes it again."
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Make it readable."
        ) from error


def hourly_schema() -> "pa.Schema":
    """Columns of the hourly demand, sorted by hour and area: every known hour has all areas.

    An hour without rows is unknown; one without trips has a row with 0 for each area.
    """
    import pyarrow as pa  # noqa: PLC0415 - the API's process reads this module before it needs it

    return pa.schema(
        [
            pa.field("hour", pa.timestamp("us"), nullable=False),
            pa.field("area", pa.int16(), nullable=False),
            pa.field("trips", pa.int32(), nullable=False),
            pa.field("avg_fare", pa.float64()),
            pa.field("avg_miles", pa.float64()),
        ]
    )


def prediction_schema() -> "pa.Schema":
    """Columns of a batch of predictions.

    ``day_of_week`` is 1 on Sundays and 7 on Saturdays. ``warnings`` holds ``code:field`` of each
    reason to trust a prediction less, joined with ``;``; it is empty where there is none, and
    batches of earlier releases lack it.
    """
    import pyarrow as pa  # noqa: PLC0415

    return pa.schema(
        [
            pa.field("pickup_community_area", pa.int16(), nullable=False),
            pa.field("start", pa.timestamp("us"), nullable=False),
            pa.field("hour", pa.int8(), nullable=False),
            pa.field("day_of_week", pa.int8(), nullable=False),
            pa.field("is_weekend", pa.bool_(), nullable=False),
            pa.field("predicted_demand", pa.float64(), nullable=False),
            pa.field("lower", pa.float64(), nullable=False),
            pa.field("upper", pa.float64(), nullable=False),
            pa.field("demand_category", pa.string(), nullable=False),
            pa.field("avg_fare", pa.float64()),
            pa.field("avg_distance_miles", pa.float64()),
            pa.field("warnings", pa.string(), nullable=False),
        ]
    )
