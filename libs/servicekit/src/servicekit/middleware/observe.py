"""Logs and counts finished requests."""

from collections.abc import Collection
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.metrics import UNMATCHED, Metrics

MAX_PATH = 200
NO_ANSWER = 499


class ObserveMiddleware:
    """Counts, times and logs requests by the template of their route.

    Args:
        app: The application.
        metrics: The metrics to update.
        quiet: Polled paths, which are logged at debug level only.
        known: Paths without parameters. They are the route of a request that is refused before it
            is routed.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, quiet: Collection[str], known: Collection[str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._quiet = frozenset(quiet)
        self._known = frozenset(known)
        # Bound once: a lazy logger would look up its configuration for every line.
        self._log = structlog.stdlib.get_logger("servicekit.access").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = NO_ANSWER  # unless an answer begins

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            self._record(scope, status, perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        path: str = scope["path"]
        route = getattr(scope.get("route"), "path", None)
        if route is None:
            route = path if path in self._known else UNMATCHED
        self._metrics.observe_request(route, scope["method"], status, seconds)
        fields = {
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
