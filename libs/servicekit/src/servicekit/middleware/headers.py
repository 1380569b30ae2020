"""Headers of every answer, unless its endpoint sets them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.lifecycle import Lifecycle

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    # Answers load nothing; the front page has inline styles. Pages with scripts set their own.
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
)
_CLOSE = (b"connection", b"close")


class HeadersMiddleware:
    """Adds security headers, and ``Connection: close`` while the process drains.

    An endpoint may set one of them itself, such as `Cache-Control`.

    Args:
        app: The application.
        lifecycle: Tells whether the process drains.
    """

    def __init__(self, app: ASGIApp, *, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ())]
                own = {name for name, _ in headers}
                headers += [header for header in _SECURITY if header[0] not in own]
                if self._lifecycle.draining:
                    headers.append(_CLOSE)
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_with_headers)
