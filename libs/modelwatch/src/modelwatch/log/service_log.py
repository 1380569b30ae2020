"""The prediction log of a service that may have none."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Final, Protocol

from modelwatch.log.settings import LogSettings, open_log
from modelwatch.schema import LogSchema

__all__ = ["ServiceLog"]

_ID: Final = attrgetter("prediction_id")


class _Metrics(Protocol):
    """The metrics of a service, as servicekit has them."""

    def watch(self, name: str, documentation: str, read: Callable[[], float]) -> None: ...

    def watch_counts(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None: ...


class _Model(Protocol):
    """A model, as modelseal opens it."""

    @property
    def sha256(self) -> str: ...


class _Runtime(Protocol):
    """A running service, as servicekit has it."""

    @property
    def metrics(self) -> _Metrics: ...


class _Answering(Protocol):
    """A running service that answers a request, as servicekit has it."""

    @property
    def model(self) -> _Model: ...

    @property
    def request_id(self) -> str: ...


class _Warning(Protocol):
    """A warning of an answer, as servicekit has it."""

    @property
    def code(self) -> str: ...


class _Answer(Protocol):
    """An answer to a row of a request. The outputs that are logged are its other attributes."""

    @property
    def prediction_id(self) -> str | None: ...

    @property
    def warnings(self) -> Sequence[_Warning]: ...


class ServiceLog:
    """The prediction log that the settings of a service ask for. Without one, it does nothing.

    Args:
        settings: Settings of the service.
        schema: What the service logs.

    Attributes:
        log: The log; None without one.
        with_texts: Whether features of the kind ``text`` are logged.
        new_ids: `PredictionLog.new_ids`; all are None without a log.
    """

    def __init__(self, settings: LogSettings, schema: LogSchema) -> None:
        self.log = open_log(settings, schema)
        self.with_texts = self.log is not None and settings.prediction_log_text
        self.new_ids = _no_ids if self.log is None else self.log.new_ids

    def record(
        self,
        runtime: _Answering,
        features: Sequence[Mapping[str, object]],
        answers: Sequence[_Answer],
    ) -> None:
        """Record the answers to the current request; without a log, do nothing.

        Args:
            runtime: The service.
            features: The features of each answer, as for `PredictionLog.record_all`.
            answers: The answers. They are read later, and must not be changed.
        """
        if self.log is not None:
            self.log.record_all(
                list(map(_ID, answers)),
                request_id=runtime.request_id,
                model=runtime.model.sha256,
                features=features,
                outputs=list(map(vars, answers)),
                warnings=list(map(_codes, answers)),
            )

    @asynccontextmanager
    async def lifespan(self, runtime: _Runtime) -> AsyncIterator[None]:
        """Write the log as long as the service runs, and publish its counts as metrics.

        The end waits for at most five seconds until the records are written, and logs the counts.
        """
        log = self.log
        if log is None:
            yield
            return

        def counts() -> Mapping[str, float]:
            found = log.counts()
            return {name: getattr(found, name) for name in ("written", "dropped", "sampled_out")}

        runtime.metrics.watch_counts(
            "prediction_log_records", "Answers given to the prediction log.", "state", counts
        )
        runtime.metrics.watch(
            "prediction_log_records_waiting",
            "Records of the prediction log that are not written yet.",
            lambda: log.counts().waiting,
        )
        log.start()
        try:
            yield
        finally:
            end = await asyncio.to_thread(log.close)
            logging.getLogger("modelwatch").info(
                "The prediction log was closed. Written: %d, dropped: %d, left out by the sample: "
                "%d.",
                end.written,
                end.dropped,
                end.sampled_out,
            )


def _no_ids(count: int) -> list[str | None]:
    return [None] * count


def _codes(answer: _Answer) -> tuple[str, ...]:
    # Most have no warnings: one empty tuple serves all of them.
    return tuple(warning.code for warning in answer.warnings) if answer.warnings else ()
