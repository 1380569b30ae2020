"""How a command ends when it is stopped by a signal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["exit_on_sigterm"]


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Raise SystemExit(143) on SIGTERM, so that temporary files are removed as after an error.

    Without a handler, the first process of a container ignores the signal.
    """
    terminated = False

    def terminate(number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal terminated
        terminated = True
        # A second signal, such as `timeout` sends, must not interrupt the cleaning up.
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
