"""Request ids in answers, log lines and problem documents."""

import random
import re
from contextvars import ContextVar
from typing import Final

from structlog.typing import EventDict, WrappedLogger

HEADER: Final = b"x-request-id"
_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)

bind_request_id = REQUEST_ID.set
unbind_request_id = REQUEST_ID.reset


def request_id_of(header: bytes | None) -> str:
    """The id of a request: the client's if it is well-formed, or a new one.

    A malformed id is dropped, because ids are written to logs and answers.

    Args:
        header: The request's ``X-Request-ID``, if it has one.
    """
    if header is not None and _WELL_FORMED.fullmatch(header):
        return header.decode("ascii")
    return f"{random.getrandbits(128):032x}"


def add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the id of the current request to a log line."""
    request_id = REQUEST_ID.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event
