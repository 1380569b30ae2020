"""Publishes the metrics of the latest report, which a nightly job writes next to the log."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from modelwatch.errors import StoreError
from modelwatch.store import FileBasedStore, open_store

__all__ = ["METRICS", "REPORTS", "publish_report"]

REPORTS: Final = "reports"
"""Folder of the latest report in the log."""

METRICS: Final = "modelwatch.prom"
"""Its metrics, in Prometheus' text format."""

_LOGGER: Final = logging.getLogger("modelwatch")
_EVERY_S: Final = 300.0
_PREFIX: Final = "modelwatch_"


class _Metrics(Protocol):
    """The metrics of a service, as servicekit has them."""

    def publish_text(self, prefix: str, text: str) -> None: ...


@asynccontextmanager
async def publish_report(
    address: str | None, metrics: _Metrics, *, every_s: float = _EVERY_S
) -> AsyncIterator[None]:
    """Publish the metrics of the latest report of a log, as long as a service runs.

    A thread reads them. While that fails, the metrics of the last reading stay, and each try logs a
    warning; the alert ReportStale finds a report that has become old.

    Args:
        address: Address of the log; without one, and of a database, nothing is published.
        metrics: Metrics of the service.
        every_s: Seconds between two readings.
    """
    store = open_store(address) if address else None
    # A database has no files.
    if not isinstance(store, FileBasedStore):
        yield
        return
    end = threading.Event()
    # It is not waited for, because a store may be slow: it has nothing to lose.
    threading.Thread(
        target=_follow,
        args=(store, metrics, every_s, end),
        name="report-metrics",
        daemon=True,
    ).start()
    try:
        yield
    finally:
        end.set()


def _follow(store: FileBasedStore, metrics: _Metrics, every_s: float, end: threading.Event) -> None:
    while not end.is_set():
        try:
            metrics.publish_text(_PREFIX, _read(store))
        except (StoreError, ValueError) as error:
            _LOGGER.warning("The metrics of the latest report were not read: %s", error)
        end.wait(every_s)


def _read(store: FileBasedStore) -> str:
    """The metrics of the latest report; empty if there is no report yet."""
    name = f"{REPORTS}/{METRICS}"
    return store.read(name).decode() if name in store.names(REPORTS) else ""
