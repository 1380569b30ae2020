"""Logs and counts finished requests."""

from collections.abc import Collection
from functools import cached_property
from typing import Any

import structlog
from starlette.types import Scope

from servicekit.metrics import UNMATCHED, Metrics

MAX_PATH = 200


class AccessLog:
    """Counts, times and logs requests by the template of their route.

    Args:
        metrics: The metrics to update.
        quiet: Polled paths, which are logged at debug level only.
        known: Paths without parameters. They are the route of a request that is refused before it
            is routed.
    """

    def __init__(self, metrics: Metrics, *, quiet: Collection[str], known: Collection[str]) -> None:
        self._metrics = metrics
        self._quiet = frozenset(quiet)
        self._known = frozenset(known)

    @cached_property
    def _log(self) -> Any:  # noqa: ANN401 - structlog's
        """Bound once, at the first request: a lazy logger would look up its configuration anew."""
        return structlog.stdlib.get_logger("servicekit.access").bind()

    def record(self, scope: Scope, status: int, seconds: float) -> None:
        """Record a finished request.

        Args:
            scope: Its scope.
            status: The status of its answer.
            seconds: The time that it took.
        """
        path: str = scope["path"]
        route = getattr(scope.get("route"), "path", None)
        if route is None:
            route = path if path in self._known else UNMATCHED
        self._metrics.observe_request(route, scope["method"], status, seconds)
        fields: dict[str, Any] = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
        }
        if route == UNMATCHED:
            fields["path"] = path[:MAX_PATH]
        problem = scope["state"].get("problem")
        if problem is not None:
            fields["problem"] = problem
        client = scope.get("client")
        if client is not None:
            fields["client"] = client[0]
        if path in self._quiet:
            self._log.debug("request", **fields)
        else:
            self._log.info("request", **fields)
