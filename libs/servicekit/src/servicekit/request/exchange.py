"""One request and its answer."""

from starlette.types import Message, Receive, Scope, Send

from servicekit.errors import BodyTooLargeError, ClientDisconnectedError
from servicekit.lifecycle import Lifecycle
from servicekit.request.headers import CLOSE, missing_security_headers
from servicekit.request.request_id import HEADER, request_id_of

NO_ANSWER = 499


class Exchange:
    """A request whose body is bounded, and its answer, to which headers are added.

    The size of a body is bounded with or without a Content-Length. Every answer has the request's
    id and security headers; while the process drains, it closes its connection.

    Args:
        scope: The request's scope. Its state gets the request id.
        receive: Returns the server's messages.
        send: Takes the answer.
        max_body_bytes: The largest body.
        lifecycle: Tells whether the process drains.

    Attributes:
        scope: The request's scope.
        request_id: The request's id.
        source: Returns the server's messages.
        status: The status of the answer; 499 before it begins.
        started: Whether the answer has begun.
        awaits_body: Whether a part of the body is missing.
    """

    __slots__ = (
        "_complete", "_left", "_lifecycle", "_max_body_bytes", "_send",
        "awaits_body", "request_id", "scope", "source", "started", "status",
    )  # fmt: skip

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        max_body_bytes: int,
        lifecycle: Lifecycle,
    ) -> None:
        first = dict(reversed(scope["headers"]))
        self.request_id = request_id_of(first.get(HEADER))
        scope.setdefault("state", {})["request_id"] = self.request_id
        self.scope = scope
        self.source = receive
        self.status = NO_ANSWER
        self.started = False
        self.awaits_body = False
        self._send = send
        self._lifecycle = lifecycle
        self._max_body_bytes = self._left = max_body_bytes
        self._complete = False

    def check_declared_length(self) -> None:
        """Check the length that the request declares, before its body is read.

        Raises:
            BodyTooLargeError: It is too large.
        """
        for name, value in self.scope["headers"]:
            # Our server passes only numbers; with another one, the count of bytes decides.
            if name == b"content-length" and value.isdigit() and int(value) > self._left:
                raise BodyTooLargeError(self._max_body_bytes)

    async def receive(self) -> Message:
        """Return the next part of the body, or wait for the client to disconnect after it.

        Raises:
            BodyTooLargeError: The body is too large.
            ClientDisconnectedError: The client disconnected before the end of the body.
        """
        if self._complete:
            return await self.source()
        self.awaits_body = True
        message = await self.source()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise BodyTooLargeError(self._max_body_bytes)
        if not message.get("more_body", False):
            self._complete = True
            self.awaits_body = False
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ())]
            headers += missing_security_headers(headers)
            if self._lifecycle.draining:
                headers.append(CLOSE)
            headers.append((HEADER, self.request_id.encode("ascii")))
            message["headers"] = headers
        self.started = True
        await self._send(message)
