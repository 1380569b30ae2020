"""Reloads the predictions: polls the pointer in the background and loads new batches.

A batch that is complete, verified, and made by the model of this process replaces the one that is
served. Any other batch is refused, logged and counted, and the old one is still served.
"""

import asyncio
import json
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from servicekit import NotReadyError, Runtime
from servicekit.files import DataError

from chicagotaxi.api.index import DemandIndex
from chicagotaxi.batch.reader import AGAIN, BatchError, ModelIdentity, read_batch, read_pointer
from chicagotaxi.schema import CURRENT, PREDICTIONS, STATUS, read_status

# A refused batch may have been incomplete, if its files arrive in any order.
RETRY_EVERY: Final = 10


class PredictionsNotReadyError(NotReadyError):
    """There is no batch of predictions to answer from."""

    status, code, title = 503, "predictions-not-ready", "There are no predictions to answer from"


class _Counts:
    """Metrics of batches."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refusals = Counter(
            "prediction_batches_refused",
            "Batches of predictions that were not served, by reason.",
            ("code",),
            registry=registry,
        )
        self.created = Gauge(
            "predictions_created_timestamp_seconds",
            "When the batch that is served was made.",
            registry=registry,
        )
        self.rows = Gauge(
            "predictions_rows", "Rows of the batch that is served.", registry=registry
        )


class PredictionsReloader:
    """The batch that is served.

    Args:
        folder: Folder of all batches.
        poll_s: Seconds between two polls of the pointer.
    """

    def __init__(self, folder: Path, *, poll_s: float) -> None:
        self._folder = folder
        self._poll_s = poll_s
        self._index: DemandIndex | None = None
        self._status = b'{"serving":null,"refused":null,"last_run":null}'
        self._refused: BatchError | None = None
        self._counts: _Counts | None = None
        self._log = structlog.stdlib.get_logger("chicagotaxi.batch.reader")

    @property
    def index(self) -> DemandIndex:
        """The index of the batch that is served.

        Raises:
            PredictionsNotReadyError: There is no batch; the response is 503.
        """
        if self._index is None:
            raise self._missing()
        return self._index

    @property
    def status(self) -> bytes:
        """Body of `/pipeline/status`: the served batch, the refused batch, and the last run."""
        return self._status

    def readiness_check(self, _runtime: Runtime) -> PredictionsNotReadyError | None:
        """The error if there are no predictions to serve; otherwise None."""
        return self._missing() if self._index is None else None

    async def watch(self, runtime: Runtime) -> None:
        """Poll for new batches until cancelled."""
        if self._counts is None:
            # Only once: after a failure, this method is called again.
            self._counts = _Counts(runtime.metrics.registry)
        seen: tuple[object, ...] | None = None
        looks = 0
        while True:
            looks += 1
            # A folder on a network may be slow.
            found = await runtime.run_in_worker(self._poll)
            if self._refused is not None and looks % RETRY_EVERY == 0:
                seen = None
            # The model must be open first: its predictions are the ones that may be served.
            if found != seen and runtime.opened is not None:
                seen = found
                opened = runtime.opened
                model = ModelIdentity(
                    name=opened.manifest.name, version=opened.manifest.version, sha256=opened.sha256
                )
                try:
                    index, status = await runtime.run_in_worker(self._load, model)
                except BatchError as error:
                    self._refused = error
                    self._status = await runtime.run_in_worker(
                        self._status_body, self._index, error
                    )
                    self._counts.refusals.labels(error.code).inc()
                    self._log.error("batch refused", code=error.code, reason=str(error))
                else:
                    self._refused, self._status = None, status
                    if index is not None:
                        self._index = index
                        self._counts.created.set(index.info.created.timestamp())
                        self._counts.rows.set(len(index))
                        for code, rows in index.warnings.items():
                            runtime.count_warning(code, rows)
                        self._log.info(
                            "batch served",
                            batch=index.info.batch,
                            rows=len(index),
                            warnings=dict(index.warnings),
                        )
            # In short intervals while there is nothing to serve, so that the start is quick.
            await asyncio.sleep(self._poll_s if self._index is not None else min(self._poll_s, 0.1))

    def _poll(self) -> tuple[object, ...]:
        """The identities of two files, which change with a new batch or status."""
        found: list[object] = []
        for path in (self._folder / CURRENT, self._status_path):
            try:
                stat = path.stat()
                found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
            except OSError:
                found.append(None)
        return tuple(found)

    def _load(self, model: ModelIdentity) -> tuple[DemandIndex | None, bytes]:
        """The new index, or None if the latest batch is served already; and the status."""
        name = read_pointer(self._folder)
        old = self._index
        if name is None or (old is not None and old.info.batch == name):
            return None, self._status_body(old)
        try:
            index = self._read(name, model)
        except BatchError:
            raise
        except Exception as error:
            # Whatever is wrong with it, the old batch must still be served.
            raise BatchError(
                "unreadable",
                f"The batch {name} cannot be read: {type(error).__name__}: {error}. {AGAIN}",
            ) from error
        return index, self._status_body(index)

    def _read(self, name: str, model: ModelIdentity) -> DemandIndex:
        info, table = read_batch(self._folder, name)
        if info.model != model:
            raise BatchError(
                "model",
                f"The batch {name} was made by {info.model.name} {info.model.version} "
                f"({info.model.sha256[:12]}), not by the model of this service, "
                f"{model.version} ({model.sha256[:12]}). Run `predict` with that model, or "
                "serve the other one.",
            )
        return DemandIndex(info, table)

    def _status_body(self, index: DemandIndex | None, refused: BatchError | None = None) -> bytes:
        batch = None if index is None else index.info.model_dump(mode="json")
        run = None
        try:
            status = read_status(self._status_path.parent)
            run = None if status is None else status.model_dump(mode="json")
        except DataError:
            # Predictions do not depend on it, and the response shows that it is missing.
            self._log.warning("status cannot be read", path=str(self._status_path))
        why = None if refused is None else {"code": refused.code, "reason": str(refused)}
        body = {"serving": batch, "refused": why, "last_run": run}
        return json.dumps(body, separators=(",", ":")).encode()

    @property
    def _status_path(self) -> Path:
        return self._folder.parent / STATUS

    def _missing(self) -> PredictionsNotReadyError:
        if self._refused is not None:
            return PredictionsNotReadyError(
                f"The batch of predictions was refused ({self._refused.code}): {self._refused}"
            )
        return PredictionsNotReadyError(
            f"There is no batch in {self._folder} yet. `predict` writes one into the folder "
            f"{PREDICTIONS!r} of the pipeline's output; set PREDICTIONS_DIR to that folder.",
            headers={"Retry-After": "5"},
        )
