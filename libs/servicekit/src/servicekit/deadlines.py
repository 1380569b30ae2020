"""The deadline of the current request."""

from contextvars import ContextVar
from typing import Final

DEADLINE: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)
"""A time of the event loop's clock; None outside requests and for requests without a deadline."""
