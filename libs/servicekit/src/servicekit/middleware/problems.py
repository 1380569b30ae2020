"""Turns exceptions into problem documents."""

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.errors import ShuttingDownError
from servicekit.lifecycle import Lifecycle
from servicekit.problems import ProblemCatalog


class ProblemsMiddleware:
    """Answers exceptions, unless the answer has already begun.

    Args:
        app: The application.
        catalog: Maps exceptions to problems.
        lifecycle: Tells whether the process stops and cancels requests.
    """

    def __init__(self, app: ASGIApp, *, catalog: ProblemCatalog, lifecycle: Lifecycle) -> None:
        self._app = app
        self._catalog = catalog
        self._lifecycle = lifecycle
        self._log = structlog.stdlib.get_logger("servicekit.problems")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if started or not self._lifecycle.stopping:
                raise
            error: Exception = ShuttingDownError()
        except Exception as caught:  # noqa: BLE001 - the catalog logs what it does not know
            error = caught
        else:
            return
        if started:
            # The server closes the connection: the client sees that the answer is cut short.
            self._log.error("answer cut short", error=type(error).__name__, exc_info=error)
            return
        await self._catalog.response(error, scope)(scope, receive, send)
