"""A bound on the time of a request."""

import asyncio
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.deadlines import DEADLINE
from servicekit.errors import BodyTimeoutError, DeadlineExceededError


class DeadlineMiddleware:
    """Cancels a request that takes too long: 408 if its body is incomplete, else 504.

    Args:
        app: The application.
        seconds: The longest time from a request's admission to the end of its answer.
        exempt: Paths that have no deadline.
    """

    def __init__(self, app: ASGIApp, *, seconds: float, exempt: Collection[str]) -> None:
        self._app = app
        self._seconds = seconds
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        timeout = asyncio.timeout(self._seconds)
        try:
            async with timeout:
                token = DEADLINE.set(timeout.when())
                try:
                    await self._app(scope, receive, send)
                finally:
                    DEADLINE.reset(token)
        except TimeoutError as error:
            if not timeout.expired():
                raise  # the service's own
            if scope["state"].get("awaiting_body"):
                raise BodyTimeoutError(
                    f"The body was not complete within {self._seconds:g} s. Send it faster."
                ) from error
            raise DeadlineExceededError(self._seconds) from error
