"""Clean exit on SIGTERM."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["exit_on_sigterm"]


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Raise SystemExit(143) on SIGTERM, so that temporary files are removed as after an error.

    The first process of a container ignores the signal unless it has a handler.
    """
    terminated = False

    def terminate(number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal terminated
        terminated = True
        # A second signal, such as that of `timeout`, must not interrupt the cleanup.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except BaseException as error:
        # A library that is being imported may turn the SystemExit into an ImportError.
        if terminated and not isinstance(error, SystemExit):
            raise SystemExit(128 + signal.SIGTERM) from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
