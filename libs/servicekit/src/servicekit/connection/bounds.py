"""What one connection may take, and how many connections there may be."""

from dataclasses import dataclass

__all__ = ["ConnectionBounds"]


@dataclass(frozen=True)
class ConnectionBounds:
    """What one connection may take, and how many there may be.

    Attributes:
        max_header_bytes: The largest request line with headers; more is answered with 431. Also
            the most bytes of chunk framing or trailers in a row.
        header_timeout_s: How long a client may take to send a head, from its first byte (from the
            connection's start for the first request). Also how long an early refused body may
            go on.
        send_timeout_s: How long an answer may wait for a client that does not read it. Of a long
            answer, a client must take 64 KiB in that time.
        max_connections: The most connections; more are answered with 503 and closed.
    """

    max_header_bytes: int
    header_timeout_s: float
    send_timeout_s: float
    max_connections: int
