"""Watches the memory of a service by its metrics, and so in containers and clusters, too."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Any, Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import gevent

# Seconds between two scrapes; fewer in short runs.
EVERY_S: Final = 2.0
SCRAPES: Final = 50
MIB: Final = 2**20
# Shares of the run: memory is compared after this warm-up with memory in the last part. Medians,
# because collections of garbage make it go up and down.
WARM_UP: Final = 0.3
FIRST: Final = 0.15
LAST: Final = 0.15
_SAMPLE: Final = re.compile(r"^(process_\w+) ([0-9.e+]+)$", re.MULTILINE)
# Without the proxies of the environment, as the users.
_OPENER: Final = build_opener(ProxyHandler({}))


class MemoryWatch:
    """Reads the memory of the processes behind an address.

    Several pods may be behind it; each scrape then reads one, and the time of its start tells
    which.

    Args:
        url: Address of the service.
        seconds: Length of the run.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self._url = f"{url}/metrics"
        self._seconds = seconds
        self._began = time.time()
        self._memory: defaultdict[float, list[tuple[float, float]]] = defaultdict(list)
        self._error = "no answer"

    def start(self) -> None:
        """Begin to watch, in the background."""
        gevent.spawn(self._watch)

    def figures(self) -> list[dict[str, Any]]:
        """Memory after warm-up and at the end, of each process."""
        return [
            {
                "started": started,
                "after_warm_up_mib": round(first / MIB, 1),
                "at_the_end_mib": round(last / MIB, 1),
                "growth": round(last / first - 1, 4),
            }
            for started, first, last in self._compared()
        ]

    def broken(self, most: float) -> Iterator[str]:
        """Each process that grew too much or was restarted, with the remedy.

        Args:
            most: Largest growth, as a share.
        """
        if not list(self._compared()):
            yield (
                f"Memory was not measured: {self._url}: {self._error}. A soak needs the metrics"
                " of the service: forward a port to it, or raise MINUTES"
            )
        for started in self._memory:
            if started > self._began:
                yield (
                    "A process of the service was started during the soak: look for the end of"
                    " the one before it in the log (out of memory?)"
                )
        for _, first, last in self._compared():
            if last > (1 + most) * first:
                yield (
                    f"Memory grew from {first / MIB:.1f} MiB after warm-up to {last / MIB:.1f} MiB,"
                    f" by {last / first - 1:.1%}, at most {most:.1%}: repeat it with more MINUTES;"
                    " if it grows on, look for what keeps objects"
                )

    def _compared(self) -> Iterator[tuple[float, float, float]]:
        """Each process that lived from the warm-up to the end: its start, and memory in bytes."""
        first, last = WARM_UP * self._seconds, (1 - LAST) * self._seconds
        for started, samples in self._memory.items():
            early = [size for at, size in samples if first <= at < first + FIRST * self._seconds]
            late = [size for at, size in samples if at >= last]
            if early and late:
                yield started, median(early), median(late)

    def _watch(self) -> None:
        while True:
            try:
                with _OPENER.open(self._url, timeout=10) as answer:
                    text = answer.read().decode()
            except (URLError, OSError) as error:
                self._error = str(error)
            else:
                found = {name: float(value) for name, value in _SAMPLE.findall(text)}
                if {"process_start_time_seconds", "process_resident_memory_bytes"} <= found.keys():
                    at = time.time() - self._began
                    size = found["process_resident_memory_bytes"]
                    self._memory[found["process_start_time_seconds"]].append((at, size))
                else:
                    self._error = "it has no process_resident_memory_bytes"
            gevent.sleep(min(EVERY_S, self._seconds / SCRAPES))
