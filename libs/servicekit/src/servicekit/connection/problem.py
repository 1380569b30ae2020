"""Problem documents for connections whose bytes are no request of the application."""

import json
import uuid
from dataclasses import dataclass
from typing import Final

from servicekit.problems import MEDIA_TYPE, TYPE_PREFIX

_TOO_LARGE: Final = "Request Header Fields Too Large"


@dataclass(frozen=True)
class ConnectionProblem:
    """A problem document (RFC 9457) that the server answers before it closes the connection.

    Attributes:
        status: The HTTP status.
        phrase: The status's phrase, which is also the problem's title.
        code: A stable name: the problem's type, and the reason in metrics.
        detail: What is wrong.
        headers: Further header lines.
    """

    status: int
    phrase: str
    code: str
    detail: str
    headers: bytes = b""

    def encode(self) -> bytes:
        """The whole response, with a request id of its own."""
        request_id = uuid.uuid4().hex
        document = {
            "type": TYPE_PREFIX + self.code,
            "title": self.phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        body = json.dumps(document).encode()
        head = (
            f"HTTP/1.1 {self.status} {self.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\nconnection: close\r\n"
        )
        return head.encode() + self.headers + b"\r\n" + body


BAD_REQUEST: Final = ConnectionProblem(
    400, "Bad Request", "bad-request", "Invalid HTTP request received."
)
NO_PROXY: Final = ConnectionProblem(
    400, "Bad Request", "bad-request", "This server is not a proxy."
)


def headers_too_large(limit: int) -> ConnectionProblem:
    """The request line and headers have more bytes than the limit."""
    detail = f"The request line and headers may have {limit} bytes."
    return ConnectionProblem(431, _TOO_LARGE, "headers-too-large", detail)


def trailers_too_large(limit: int) -> ConnectionProblem:
    """Trailers or the framing of chunks have more bytes than the limit."""
    detail = f"Trailers and the framing of chunks may have {limit} bytes."
    return ConnectionProblem(431, _TOO_LARGE, "trailers-too-large", detail)


def too_many_connections(limit: int) -> ConnectionProblem:
    """The service has as many connections as it takes."""
    return ConnectionProblem(
        503,
        "Service Unavailable",
        "too-many-connections",
        f"The service has {limit} connections. Try again.",
        headers=b"retry-after: 1\r\n",
    )
