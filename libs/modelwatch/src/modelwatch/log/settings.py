"""Settings of the prediction log, for the settings class of a service to inherit."""

import logging
from dataclasses import replace
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from modelwatch.errors import PlaceError
from modelwatch.log.prediction_log import PredictionLog
from modelwatch.schema import LogSchema
from modelwatch.store import check_address, open_store

__all__ = ["LogSettings", "open_log"]


class LogSettings(BaseSettings):
    """Settings of the prediction log, from environment variables of the same names in capitals."""

    prediction_log: str | None = Field(
        default=None,
        description="Folder of the prediction log: a path, s3://... or gs://...; unset for none.",
    )
    prediction_log_flush_s: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = Field(
        default=10.0, description="Seconds between two writes; a crash loses at most these."
    )
    prediction_log_sample: float = Field(
        default=1.0, gt=0, le=1, description="Share of the answers that are logged."
    )
    prediction_log_keep_days: int | None = Field(
        default=None, ge=1, description="Days after which log and truth are deleted; unset: never."
    )
    prediction_log_text: bool = Field(
        default=False, description="Whether free texts are logged, too."
    )

    @field_validator("prediction_log")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        try:
            return address and check_address(address)
        except PlaceError as error:
            raise ValueError(str(error)) from error


def open_log(settings: LogSettings, schema: LogSchema) -> PredictionLog | None:
    """The prediction log that the settings ask for; None if they ask for none.

    Its warnings go to the logger ``modelwatch``. It writes after `PredictionLog.start`.
    """
    if not settings.prediction_log:
        return None
    if not settings.prediction_log_text:
        kept = {name: kind for name, kind in schema.features.items() if kind != "text"}
        schema = replace(schema, features=kept)
    return PredictionLog(
        open_store(settings.prediction_log),
        schema,
        flush_s=settings.prediction_log_flush_s,
        sample=settings.prediction_log_sample,
        keep_days=settings.prediction_log_keep_days,
        warn=logging.getLogger("modelwatch").warning,
    )
