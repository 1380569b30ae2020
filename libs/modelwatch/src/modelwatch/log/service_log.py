"""The prediction log of a service that may have none."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat
from typing import Any, Final, Protocol

from modelwatch.log.records import Values
from modelwatch.log.report_metrics import publish_report
from modelwatch.log.settings import LogSettings, logged_schema, open_log
from modelwatch.schema import LogSchema
from modelwatch.shadow.challenger import Answer, Challenger, MakeAnswerer, codes_of
from modelwatch.shadow.shadow import Shadow

__all__ = ["ServiceLog", "find_challenger"]

_LOGGER: Final = logging.getLogger("modelwatch")
_STATES: Final = ("written", "failed", "not_logged", "dropped")

MakeFeatures = Callable[[Sequence[Any], Sequence[Any]], Iterable[Values]]


class _Metrics(Protocol):
    """The metrics of a service, as servicekit has them."""

    def watch(self, name: str, documentation: str, read: Callable[[], float]) -> None: ...

    def watch_counts(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None: ...

    def publish_text(self, prefix: str, text: str) -> None: ...


class _Runtime(Protocol):
    """A running service, as servicekit has it."""

    @property
    def metrics(self) -> _Metrics: ...


class _Model(Protocol):
    """A model, as modelseal opens it."""

    @property
    def sha256(self) -> str: ...


class _Answering(Protocol):
    """A running service that answers a request, as servicekit has it."""

    @property
    def model(self) -> _Model: ...

    @property
    def request_id(self) -> str: ...


class ServiceLog:
    """The prediction log that the settings of a service ask for. Without one, it does nothing.

    Args:
        settings: Settings of the service.
        schema: What the service logs.
        challenger: Makes what answers for the shadow, if the settings ask for one.
        features: Makes the logged features from the rows of a request and their answers; by
            default, the rows are the features. It is called after the request, mostly in another
            thread, and must be quick.

    Attributes:
        log: The log; None without one.
        shadow: The shadow; None without one.
        new_ids: `PredictionLog.new_ids`; all are None without a log.
    """

    def __init__(
        self,
        settings: LogSettings,
        schema: LogSchema,
        challenger: MakeAnswerer,
        *,
        features: MakeFeatures = lambda rows, _answers: rows,
    ) -> None:
        self._address = settings.prediction_log
        self.log = open_log(settings, schema)
        self.shadow = open_shadow(settings, schema, challenger)
        self.new_ids = _no_ids if self.log is None else self.log.new_ids
        self._read = partial(_read, features)

    def record(
        self,
        runtime: _Answering,
        prediction_ids: Sequence[str | None],
        rows: Sequence[Any],
        answers: Sequence[Answer],
    ) -> None:
        """Record the answers to the current request, and offer its rows to the shadow.

        Without a log, it does nothing. Rows and answers are read later, and must not be changed.

        Args:
            runtime: The service.
            prediction_ids: The names of the answers, as of `new_ids`.
            rows: What was answered, as plain values: what the challenger gets.
            answers: The answers.
        """
        log = self.log
        if log is None:
            return
        request_id = runtime.request_id
        if self.shadow is not None:
            self.shadow.offer(prediction_ids, request_id, rows)
        log.record_later(
            prediction_ids,
            self._read,
            (rows, answers),
            request_id=request_id,
            model=runtime.model.sha256,
            at=time.time(),
        )

    @asynccontextmanager
    async def lifespan(self, runtime: _Runtime) -> AsyncIterator[None]:
        """Write the log and run the shadow as long as the service runs, with metrics of both.

        The metrics of the latest report next to the log are published, too. The end waits for some
        seconds until the records are written, and logs the counts.
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
        if self.shadow is not None:
            _publish(self.shadow, runtime.metrics)
            self.shadow.start()
        try:
            async with publish_report(self._address, runtime.metrics):
                yield
        finally:
            # At the same time, because the process may be killed after some seconds.
            end, _ = await asyncio.gather(
                asyncio.to_thread(log.close), asyncio.to_thread(_close, self.shadow)
            )
            _LOGGER.info(
                "The prediction log was closed. Written: %d, dropped: %d, left out by the sample: "
                "%d.",
                end.written,
                end.dropped,
                end.sampled_out,
            )


def open_shadow(
    settings: LogSettings, schema: LogSchema, challenger: MakeAnswerer
) -> Shadow | None:
    """The shadow that the settings ask for; None if they ask for none.

    Its warnings go to the logger ``modelwatch``. It answers after `Shadow.start`.
    """
    found = find_challenger(settings, schema, challenger)
    if found is None:
        return None
    return Shadow(found, cpu_share=settings.shadow_cpu_share, warn=_LOGGER.warning)


def find_challenger(
    settings: LogSettings, schema: LogSchema, challenger: MakeAnswerer
) -> Challenger | None:
    """The challenger that the settings name; None if they name none."""
    if settings.shadow_model_dir is None or not settings.prediction_log:
        return None
    return Challenger(
        folder=settings.shadow_model_dir,
        sha256=settings.shadow_model_sha256,
        signers=settings.shadow_signers,
        answerer=f"{challenger.__module__}:{challenger.__qualname__}",
        schema=logged_schema(settings, schema),
        log=settings.prediction_log,
        flush_s=settings.prediction_log_flush_s,
    )


def _read(
    features: MakeFeatures, rows: Sequence[Any], answers: Sequence[Answer]
) -> Iterable[tuple[Values, Values, Values, Sequence[str]]]:
    keys: Iterable[Values] = repeat({}, len(answers))
    return zip(
        features(rows, answers), map(vars, answers), keys, map(codes_of, answers), strict=True
    )


def _no_ids(count: int) -> list[str | None]:
    return [None] * count


def _publish(shadow: Shadow, metrics: _Metrics) -> None:
    def counts() -> Mapping[str, float]:
        found = shadow.counts()
        return {name: getattr(found, name) for name in _STATES}

    metrics.watch_counts(
        "shadow_answers", "Answers that the shadow was asked for.", "state", counts
    )
    metrics.watch(
        "shadow_answers_waiting",
        "Answers that the shadow was asked for, and that are not in the log yet.",
        lambda: shadow.counts().waiting,
    )
    metrics.watch(
        "shadow_up", "1 while the challenger of the shadow can answer.", lambda: shadow.is_up
    )
    metrics.watch(
        "shadow_refused",
        "1 if the challenger of the shadow was refused.",
        lambda: shadow.is_refused,
    )


def _close(shadow: Shadow | None) -> None:
    if shadow is not None:
        end = shadow.close()
        _LOGGER.info(
            "The shadow was closed. Written: %d, failed: %d, not logged: %d, dropped: %d.",
            *(getattr(end, name) for name in _STATES),
        )
