"""The one layer around the endpoints."""

import asyncio
from collections.abc import Collection
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.deadlines import DEADLINE
from servicekit.errors import BodyTimeoutError, DeadlineExceededError, ShuttingDownError
from servicekit.lifecycle import Lifecycle
from servicekit.problems import ProblemCatalog
from servicekit.request.access_log import AccessLog
from servicekit.request.admission import Admission
from servicekit.request.auth import ApiKeys
from servicekit.request.exchange import Exchange
from servicekit.request.query import QueryCheck
from servicekit.request.request_id import bind_request_id, unbind_request_id
from servicekit.settings import ServiceSettings
from servicekit.shared_timer import SharedTimer


class RequestLayer:
    """Does everything for a request that is not its endpoint's work.

    In this order: request id, access log and metrics, headers of the answer, errors as problem
    documents, API key, query parameters, admission, deadline, size of the body. Probes have no
    key and no query to check, are always admitted, and have no deadline, so that they are answered
    however busy the service is.

    Args:
        app: The endpoints.
        settings: The service's settings.
        lifecycle: Tells whether the process drains, or stops and cancels requests.
        log: Logs and counts each request.
        catalog: Maps exceptions to problems.
        keys: The accepted API keys; None if no key is needed.
        query: Checks queries.
        admission: Admits requests.
        probes: Paths of probes.
        open_paths: Other paths that need no API key.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServiceSettings,
        lifecycle: Lifecycle,
        *,
        log: AccessLog,
        catalog: ProblemCatalog,
        keys: ApiKeys | None,
        query: QueryCheck,
        admission: Admission,
        probes: Collection[str],
        open_paths: Collection[str],
    ) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self._access_log = log
        self._catalog = catalog
        self._keys = keys
        self._query = query
        self._admission = admission
        self._probes = frozenset(probes)
        self._open_paths = frozenset(open_paths)
        self._max_body_bytes = settings.max_body_bytes
        self._deadline_s = settings.request_timeout_s
        self._deadlines = SharedTimer[asyncio.Timeout](self._deadline_s, _expire)
        self._log = structlog.stdlib.get_logger("servicekit.problems")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, log it and count it."""
        began = perf_counter()
        exchange = Exchange(
            scope, receive, send, max_body_bytes=self._max_body_bytes, lifecycle=self._lifecycle
        )
        token = bind_request_id(exchange.request_id)
        try:
            await self._answer(exchange)
        finally:
            self._access_log.record(
                scope, exchange.request_id, exchange.status, perf_counter() - began
            )
            unbind_request_id(token)

    async def _answer(self, exchange: Exchange) -> None:
        """Answer one request, with a problem document if it fails before the answer has begun."""
        try:
            await self._check_and_call(exchange)
        except asyncio.CancelledError:
            if exchange.started or not self._lifecycle.stopping:
                raise
            error: Exception = ShuttingDownError()
        except Exception as caught:  # noqa: BLE001 - the catalog logs what it does not know
            error = caught
        else:
            return
        if exchange.started:
            # The server closes the connection: the client sees that the answer is cut short.
            self._log.error("answer cut short", error=type(error).__name__, exc_info=error)
            return
        response = self._catalog.response(error, exchange.scope)
        await response(exchange.scope, exchange.receive, exchange.send)

    async def _check_and_call(self, exchange: Exchange) -> None:
        scope = exchange.scope
        path = scope["path"]
        if path in self._probes:
            exchange.check_declared_length()
            await self._app(scope, exchange.receive, exchange.send)
            return
        if self._keys is not None and path not in self._open_paths:
            self._keys.check(scope["headers"])
        if scope["query_string"]:
            self._query.check(path, scope["method"], scope["query_string"])
        watcher = await self._admission.acquire(exchange)
        try:
            await self._call_in_time(exchange)
        finally:
            self._admission.release()
            if watcher is not None:
                watcher.close()

    async def _call_in_time(self, exchange: Exchange) -> None:
        """Call the endpoint, and cancel it if it takes too long: 408 or 504.

        Raises:
            BodyTimeoutError: The body is incomplete.
            DeadlineExceededError: The answer is incomplete.
        """
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                token = DEADLINE.set(self._deadlines.add(timeout))
                try:
                    exchange.check_declared_length()
                    await self._app(exchange.scope, exchange.receive, exchange.send)
                finally:
                    self._deadlines.discard(timeout)
                    DEADLINE.reset(token)
        except TimeoutError as error:
            if not timeout.expired():
                raise  # the service's own
            if exchange.awaits_body:
                raise BodyTimeoutError(
                    f"The body was not complete within {self._deadline_s:g} s. Send it faster."
                ) from error
            raise DeadlineExceededError(self._deadline_s) from error


def _expire(timeout: asyncio.Timeout) -> None:
    timeout.reschedule(asyncio.get_running_loop().time())
