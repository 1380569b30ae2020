"""Settings of the prediction log and the shadow, for the settings of a service to inherit."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from modelwatch.errors import PlaceError
from modelwatch.log.prediction_log import PredictionLog
from modelwatch.schema import LogSchema
from modelwatch.store import check_address, open_store

__all__ = ["LogPlaceSettings", "LogSettings", "logged_schema", "open_log"]


class LogPlaceSettings(BaseSettings):
    """The place of the prediction log, for a service whose answers another program logs."""

    # An address may have a password.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    prediction_log: str | None = Field(
        default=None,
        repr=False,
        description="Folder of the prediction log (a path, s3://... or gs://...), or its database "
        "(postgresql://...); unset for none.",
    )

    @field_validator("prediction_log")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        try:
            return address and check_address(address)
        except PlaceError as error:
            raise ValueError(str(error)) from error


class LogSettings(LogPlaceSettings):
    """Settings of the prediction log and the shadow.

    They are read from environment variables of the same names in capitals.
    """

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
    shadow_model_dir: Path | None = Field(
        default=None,
        description="Folder of a sealed challenger, whose answers are logged and never returned; "
        "unset for none.",
    )
    shadow_model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="SHA-256 that the manifest of the challenger must have."
    )
    shadow_cpu_share: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="CPU time that the challenger may take, as a share of one core.",
    )

    @model_validator(mode="after")
    def _shadow_has_a_log(self) -> Self:
        if self.shadow_model_dir is None:
            return self
        if not self.prediction_log:
            raise ValueError(
                "SHADOW_MODEL_DIR is set, but PREDICTION_LOG is not: the answers of the challenger "
                "are kept in the prediction log; set PREDICTION_LOG, or unset SHADOW_MODEL_DIR"
            )
        production = getattr(self, "app_env", "") == "production"
        if production and self.shadow_model_sha256 is None and not self.shadow_signers:
            raise ValueError(
                "SHADOW_MODEL_SHA256 is not set, nor is MODEL_SIGNERS: set one of them, so that no "
                "other challenger can be opened"
            )
        return self

    @property
    def shadow_signers(self) -> tuple[str, ...]:
        """Public keys of which one must have signed the challenger: those of the service."""
        # A setting of servicekit, which this library does not import.
        signers: tuple[str, ...] = getattr(self, "model_signers", ())
        return signers


def logged_schema(settings: LogSettings, schema: LogSchema) -> LogSchema:
    """The part of a declaration that the settings allow to log: texts only if they ask for them."""
    if settings.prediction_log_text:
        return schema
    kept = {name: kind for name, kind in schema.features.items() if kind != "text"}
    return replace(schema, features=kept)


def open_log(settings: LogSettings, schema: LogSchema) -> PredictionLog | None:
    """The prediction log that the settings ask for; None if they ask for none.

    Its warnings go to the logger ``modelwatch``. It writes after `PredictionLog.start`.
    """
    if not settings.prediction_log:
        return None
    return PredictionLog(
        open_store(settings.prediction_log),
        logged_schema(settings, schema),
        flush_s=settings.prediction_log_flush_s,
        sample=settings.prediction_log_sample,
        keep_days=settings.prediction_log_keep_days,
        warn=logging.getLogger("modelwatch").warning,
    )
