"""Limits how much of a connection's input is read and parsed at once.

uvicorn parses all input that has arrived and keeps the result: a client that pipelines small
requests gets hundreds of thousands of them queued. Here the bytes wait unparsed, and the socket is
not read, until the requests before them are answered.
"""

from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

# The shortest request is longer. Empty lines before a request are parsed a few at a time.
_SHORTEST_HEAD: Final = 14
_END_OF_HEAD: Final = b"\r\n\r\n"

# Bytes that are parsed at once of a body of unknown length: more requests may follow its end.
_UNKNOWN_LENGTH: Final = 1024


class HeldFlow(FlowControl):
    """uvicorn's flow control, which does not read while the connection is held."""

    held = False

    def hold(self) -> None:
        """Stop reading until `release`."""
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
    """Bytes that have arrived and are not parsed yet, returned in slices.

    A slice ends with a request's head or body, so that at most one request begins in it (or a few,
    if the length of a body is not known). The slices do not change the bytes or their order.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __bool__(self) -> bool:
        """Whether there are bytes to parse."""
        return bool(self._bytes)

    def add(self, data: bytes) -> None:
        """Add bytes that have arrived."""
        self._bytes += data

    def clear(self) -> None:
        """Drop everything."""
        self._bytes.clear()

    def take_head(self) -> bytes:
        """Bytes of at most one request's head."""
        end = self._bytes.find(_END_OF_HEAD, _SHORTEST_HEAD)
        return self._take(len(self._bytes) if end < 0 else end + len(_END_OF_HEAD))

    def take_body(self, left: int | None) -> bytes:
        """Bytes of a body.

        Args:
            left: Number of missing bytes of the body; None if it is not known.
        """
        return self._take(_UNKNOWN_LENGTH if left is None else left)

    def put_back(self, data: bytes) -> None:
        """Put back bytes that were taken and not parsed."""
        self._bytes[:0] = data

    def _take(self, size: int) -> bytes:
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken
