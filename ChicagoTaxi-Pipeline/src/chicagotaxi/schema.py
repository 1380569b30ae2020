"""Names of the pipeline's outputs, and the status of a run.

Times of trips, hours and predictions are wall-clock times of the city without a zone, as the portal
publishes them. Times of the pipeline's own work are UTC.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from modelseal.path_kinds import kind_of
from modelseal.records import first_error
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

# The output folder of the pipeline, and its contents.
DEFAULT_OUT: Final = Path("data/pipeline")
TRIPS: Final = "trips"
HOURLY: Final = "hourly"
STATUS: Final = "status.json"
PREDICTIONS: Final = "predictions"
CURRENT: Final = "current"

# Of the real files, 9% (March 2022) and 16% (2013 to 2016; 19% of the trips of 2013) are dropped,
# nearly all of them because the city does not publish their pickup area; of the sample, 10%. The
# limit is about twice the largest share of a file.
MAX_DROPPED: Final = 0.3

DemandCategory = Literal["LOW", "MEDIUM", "HIGH", "VERY_HIGH"]
ClockTime = Annotated[
    NaiveDatetime,
    # JSON Schema's format "date-time" (RFC 3339) requires a zone.
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$",
            "examples": ["2024-01-01T14:00:00"],
        }
    ),
]
"""A time on the city's clock, without a zone, in ISO 8601."""

Count = Annotated[int, Field(ge=0)]


class InputStatus(BaseModel):
    """One input file.

    Attributes:
        path: Absolute path.
        dialect: Name of its dialect.
        rows: Number of rows.
        absent: Names of optional columns that it lacks, which are blank in the clean trips.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    dialect: str
    rows: Count
    absent: list[str] = []


class MonthTrips(BaseModel):
    """Number of trips of a month, before a run and after it."""

    model_config = ConfigDict(frozen=True)

    before: Count
    now: Count


class UnknownStretch(BaseModel):
    """Consecutive unknown hours, on the city's clock.

    Attributes:
        first: First hour.
        last: Last hour.
        hours: Number of hours that the clock shows from the first to the last.
    """

    model_config = ConfigDict(frozen=True)

    first: ClockTime
    last: ClockTime
    hours: Annotated[int, Field(ge=1)]


class PipelineStatus(BaseModel):
    """Status of the last run, as in `status.json` and in the response of `/pipeline/status`.

    Attributes:
        run_id: Name of the run.
        started: When it began, in UTC.
        finished: When its output was complete, in UTC.
        engine: Name of the engine: ``duckdb``, or ``pyspark`` and its master.
        inputs: The input files.
        rows_read: Number of their rows.
        rows_kept: Number of clean trips.
        dropped: Number of other rows by the first rule that each broke, for every rule.
        marked: Number of rows, kept or dropped, that were converted or rest on an assumption, by
            mark, for every mark. A row may have several marks.
        months: The months that were written, as ``YYYY-MM``.
        month_trips: Their trips, before the run and after it.
        hours: Number of hours of the grid in these months.
        first_hour: First hour of the grid, on the city's clock.
        last_hour: Last hour of the grid.
        unknown_hours: Number of hours between these two that are unknown, and so not on the grid
            (`chicagotaxi.unknown_hours` has the rule). They do not count as zeros.
        unknown_stretches: Stretches of unknown hours, by time; the longest 50 if there are more.
        unknown_stretches_in_all: Number of stretches.
        forecast_version: Version of the model of the predictions, if there are any.
        forecast_sha256: SHA-256 of that model's manifest.
        predictions: Name of the batch of predictions.
        horizon_hours: Number of hours that it predicts.
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
    """The status of the last run that wrote to an output folder; None if there is none.

    Raises:
        DataError: The file is not a status, or cannot be read.
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
            f"{path} is not a status of this pipeline: {first_error(error)}. Remove it; the "
            "next run of `etl` writes it again."
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Make it readable."
        ) from error
