"""The bounds of connections."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionBounds:
    """The bounds of one connection, and of their number.

    Attributes:
        max_header_bytes: The largest request line with headers; more is answered with 431. Also
            the most bytes of chunk framing or trailers in a row.
        header_timeout_s: Seconds that a client may take to send a head, from its first byte (from
            the connection's start for the first request), and to send the rest of a body that was
            refused early.
        send_timeout_s: Seconds that an answer may wait for a client that does not read it. Of a
            long answer, a client must read 64 KiB in that time.
        max_connections: The most connections; more are answered with 503 and closed.
    """

    max_header_bytes: int
    header_timeout_s: float
    send_timeout_s: float
    max_connections: int
