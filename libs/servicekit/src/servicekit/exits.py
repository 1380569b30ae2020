"""How a command ends.

Exit codes: 0 done; 1 a model was refused or could not be sealed; 2 unusable input; 75 input that
cannot be had now, and may be later (EX_TEMPFAIL); 143 stopped by SIGTERM, with nothing left behind.
"""

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from modelseal import SealedModelError, SealError

from servicekit.files import DataError, TryLaterError

__all__ = ["exits"]

# What is wrong with a path that somebody gave.
_PATHS: Final = (
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EROFS,
)


@contextmanager
def exits() -> Iterator[None]:
    """Turn the errors that are meant for people, and SIGTERM, into messages and exit codes.

    `serve` does without: to it, SIGTERM means to finish what was asked.
    """
    try:
        with _terminable():
            yield
    except DataError as error:
        _fail(str(error), code=75 if isinstance(error, TryLaterError) else 2)
    except (SealedModelError, SealError) as error:
        _fail(str(error), code=1)
    except OSError as error:
        if error.errno not in _PATHS or error.filename is None:
            raise
        _fail(
            f"{error.filename}: {error.strerror}. Check the path, and that you may use it.", code=2
        )


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command like an error does, so that it removes its temporary files."""
    terminated = False

    def terminate(number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal terminated
        terminated = True
        # A second one, such as `timeout` sends, must not interrupt the cleaning up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except BaseException as error:
        # A library that is being imported may turn the end of the process into an ImportError.
        if terminated and not isinstance(error, SystemExit):
            raise SystemExit(128 + signal.SIGTERM) from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str, *, code: int) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    raise SystemExit(code)
