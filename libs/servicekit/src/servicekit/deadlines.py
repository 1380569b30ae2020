"""Until when the request that is worked on has to be answered."""

from contextvars import ContextVar
from typing import Final

__all__ = ["DEADLINE"]

DEADLINE: Final[ContextVar[float | None]] = ContextVar("deadline", default=None)
"""A time of the event loop's clock; None outside of requests, and where they have no deadline."""
