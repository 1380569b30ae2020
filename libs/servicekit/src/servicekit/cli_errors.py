"""Errors of commands as messages and exit codes.

Exit codes: 0 done; 1 a model was refused or could not be sealed; 2 unusable input; 75 input that is
not available now, and may be later (EX_TEMPFAIL); 143 stopped by SIGTERM, with nothing left behind.
A training that could not be recorded ends with 3 (modelwatch.tracking).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from modelseal import SealedModelError, SealError
from modelseal.errors import PathError
from modelseal.path_errors import path_errors
from modelseal.signals import exit_on_sigterm

from servicekit.files import DataError, TryLaterError


@contextmanager
def handle_errors() -> Iterator[None]:
    """Turn expected errors and SIGTERM into messages on standard error and exit codes.

    `serve` does not use it: it finishes accepted requests on SIGTERM.
    """
    try:
        with exit_on_sigterm(), path_errors():
            yield
    except DataError as error:
        _fail(error, code=75 if isinstance(error, TryLaterError) else 2)
    except PathError as error:
        _fail(error, code=2)
    except (SealedModelError, SealError) as error:
        _fail(error, code=1)


def _fail(error: Exception, *, code: int) -> NoReturn:
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(code)
