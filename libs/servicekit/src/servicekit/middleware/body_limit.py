"""A bound on the size of a request's body, with or without a Content-Length."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.errors import BodyTooLargeError, ClientDisconnectedError


class BodyLimitMiddleware:
    """Refuses bodies whose declared or real size is too large.

    Args:
        app: The application.
        max_bytes: The largest body.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _declared(scope["headers"]) > self._max_bytes:
            raise BodyTooLargeError(self._max_bytes)
        state = scope["state"]
        read = 0
        complete = False

        async def receive_bounded() -> Message:
            nonlocal read, complete
            if complete:
                return await receive()
            state["awaiting_body"] = True
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise BodyTooLargeError(self._max_bytes)
            if not message.get("more_body", False):
                complete = True
                state["awaiting_body"] = False
            return message

        await self._app(scope, receive_bounded, send)


def _declared(headers: list[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            # Our server passes only numbers; with another one, the count of bytes decides.
            return int(value) if value.isdigit() else 0
    return 0
