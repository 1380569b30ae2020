"""Answers to what never became a request of the application."""

import json
import uuid
from dataclasses import dataclass

from servicekit.problems import MEDIA_TYPE, TYPE_PREFIX

__all__ = ["ConnectionProblem"]


@dataclass(frozen=True)
class ConnectionProblem:
    """A problem document (RFC 9457) that the server itself answers, and closes the connection.

    Attributes:
        status: The HTTP status.
        phrase: Its phrase, which is the problem's title, too.
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
