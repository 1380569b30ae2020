"""File permissions that are enforced for root, too, for tests."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["permissions_hold"]

_VERSION_3: Final = 0x20080522
_READ_AND_SEARCH_ANYTHING: Final = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


@contextmanager
def permissions_hold() -> Iterator[None]:
    """Drop root's right to read and write everything, in this thread, inside the block."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice

    def checked(result: int) -> None:
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    checked(libc.capget(header, data))
    effective = data[0]
    data[0] = effective & ~_READ_AND_SEARCH_ANYTHING
    checked(libc.capset(header, data))
    try:
        yield
    finally:
        data[0] = effective
        checked(libc.capset(header, data))
