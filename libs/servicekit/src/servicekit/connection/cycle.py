"""uvicorn's request and answer, which sends a small answer at once."""

from typing import Final

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

# Larger bodies are not copied to be sent with their heads.
MAX_JOINED_BYTES: Final = 2**16

_OF_CONNECTIONS: Final = frozenset({b"connection", b"transfer-encoding"})


class JoiningCycle(RequestResponseCycle):
    """Sends the head of an answer and its body with one system call, in one packet.

    A head waits for the first part of the body, as ASGI allows ("Response Start"). Any other answer
    than a small one in one part, on a connection that stays open, is sent by uvicorn.
    """

    _start: Message | None = None

    async def send(self, message: Message) -> None:  # type: ignore[override] # uvicorn's own type
        """Send a part of the answer.

        Raises:
            RuntimeError: The parts are in a wrong order, or the answer is no valid HTTP.
        """
        start = self._start
        if start is None:
            if message["type"] == "http.response.start" and not self.response_started:
                self._start = message
            else:
                await super().send(message)  # type: ignore[arg-type]
            return
        self._start = None
        answer = self._joined(start, message)
        if answer is None:
            await super().send(start)  # type: ignore[arg-type]
            await super().send(message)  # type: ignore[arg-type]
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(answer)
        self.message_event.set()
        self.on_response()

    def _joined(self, start: Message, message: Message) -> bytes | None:
        """The whole answer; None if uvicorn sends it."""
        body: bytes = message.get("body", b"")
        headers = [*self.default_headers, *start.get("headers", ())]
        values: dict[bytes, bytes] = dict(headers)
        if (
            message["type"] != "http.response.body"
            or message.get("more_body", False)
            or len(values) < len(headers)
            or values.get(b"content-length") != b"%d" % len(body)
            or len(body) > MAX_JOINED_BYTES
            or not values.keys().isdisjoint(_OF_CONNECTIONS)
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
            or self.scope["method"] == "HEAD"
        ):
            return None
        names = b"".join(values)
        if (
            HEADER_RE.search(names)
            or names != names.lower()
            or HEADER_VALUE_RE.search(b"".join(values.values()))
        ):
            return None
        lines = b"\r\n".join(map(b": ".join, headers))
        return b"".join((STATUS_LINE[start["status"]], lines, b"\r\n\r\n", body))
