"""Logs and counts finished requests."""

import json
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from time import time_ns
from typing import Final

import structlog
from starlette.types import Scope

from servicekit.metrics import UNMATCHED, Metrics

MAX_PATH: Final = 200

# Few values come again and again: methods, routes, codes, addresses.
_quoted: Final = lru_cache(maxsize=1024)(json.dumps)


@lru_cache(maxsize=2)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")


class AccessLog:
    """Counts, times and logs requests by the template of their route.

    Its lines have the form of all others (`servicekit.logs`), but are written without the general
    way of a line, which takes longer than many endpoints.

    Args:
        service: The service's name, a field of every line.
        metrics: The metrics to update.
        quiet: Polled paths, which are logged at debug level only.
        known: Paths without parameters. They are the route of a request that is refused before it
            is routed.
    """

    def __init__(
        self,
        service: str,
        metrics: Metrics,
        *,
        quiet: Collection[str],
        known: Collection[str],
    ) -> None:
        self._service = json.dumps(service)
        self._metrics = metrics
        self._quiet = frozenset(quiet)
        self._known = frozenset(known)

    def record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        """Record a finished request.

        Args:
            scope: Its scope.
            request_id: Its id.
            status: The status of its answer.
            seconds: The time that it took.
        """
        path: str = scope["path"]
        route = getattr(scope.get("route"), "path", None)
        if route is None:
            route = path if path in self._known else UNMATCHED
        method = scope["method"]
        self._metrics.observe_request(route, method, status, seconds)
        level = "debug" if path in self._quiet else "info"
        if level not in self._levels:
            return
        line = (
            f'{{"method":{_quoted(method)},"route":{_quoted(route)},"status":{status},'
            f'"duration_ms":{seconds * 1000:.3f}'
        )
        if route == UNMATCHED:
            line += f',"path":{json.dumps(path[:MAX_PATH])}'
        if (problem := scope["state"].get("problem")) is not None:
            line += f',"problem":{_quoted(problem)}'
        if (client := scope.get("client")) is not None:
            line += f',"client":{_quoted(client[0])}'
        second, microsecond = divmod(time_ns() // 1000, 1_000_000)
        # A request id has no character that JSON would quote.
        self._write(
            f'{line},"event":"request","request_id":"{request_id}","level":"{level}",'
            f'"timestamp":"{_iso(second)}.{microsecond:06d}Z","service":{self._service}}}'
        )

    # Looked up at the first request: the log is configured after the application is made.

    @cached_property
    def _levels(self) -> frozenset[str]:
        log = structlog.stdlib.get_logger("servicekit.access").bind()
        names = logging.getLevelNamesMapping()
        levels = ("debug", "info")
        return frozenset(one for one in levels if log.is_enabled_for(names[one.upper()]))

    @cached_property
    def _write(self) -> Callable[[str], None]:
        write: Callable[[str], None] = structlog.get_config()["logger_factory"]().info
        return write
