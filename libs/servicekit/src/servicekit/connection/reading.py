"""How much of a connection's input is read and parsed at once.

uvicorn parses all that has arrived and keeps what it made of it: a client that pipelines small
requests has hundreds of thousands of them queued. Here the bytes wait unparsed, and the socket is
not read meanwhile, until the requests before them are answered.
"""

from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

__all__ = ["HeldFlow", "Input"]

# The shortest request is longer; empty lines before one are parsed a few at a time.
_SHORTEST_HEAD: Final = 14
_END_OF_HEAD: Final = b"\r\n\r\n"

# Of a body whose length is not known, as much is parsed at once: behind its end may stand more
# requests.
_UNKNOWN_LENGTH: Final = 1024


class HeldFlow(FlowControl):
    """uvicorn's flow control, which reads nothing more of a connection while it is held."""

    held = False

    def hold(self) -> None:
        """Stop reading, whoever asks for more."""
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """Read again, unless the connection is held."""
        if not self.held:
            super().resume_reading()


class Input:
    """Bytes that have arrived and are not parsed yet, handed out in slices.

    A slice ends where a request's head ends, or its body, so that at most one request begins in it
    (a few, where the length of a body is not known). Slices are only about how much: whatever they
    are, the parser sees the same bytes in the same order.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __bool__(self) -> bool:
        """Whether there is anything to parse."""
        return bool(self._bytes)

    def add(self, data: bytes) -> None:
        """Add what has arrived."""
        self._bytes += data

    def clear(self) -> None:
        """Drop everything."""
        self._bytes.clear()

    def take_head(self) -> bytes:
        """What may belong to the head of one request."""
        end = self._bytes.find(_END_OF_HEAD, _SHORTEST_HEAD)
        return self._take(len(self._bytes) if end < 0 else end + len(_END_OF_HEAD))

    def take_body(self, left: int | None) -> bytes:
        """What may belong to a body.

        Args:
            left: How many bytes of the body are missing; None where that is not known.
        """
        return self._take(_UNKNOWN_LENGTH if left is None else left)

    def put_back(self, data: bytes) -> None:
        """Put bytes back that were taken and not parsed."""
        self._bytes[:0] = data

    def _take(self, size: int) -> bytes:
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken
