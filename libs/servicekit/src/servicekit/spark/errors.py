"""Errors of functions that other processes call. Importing them does not import Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelseal import SealedModelError

from servicekit.files import DataError


class WorkerError(DataError):
    """A function raised an error in another process.

    Attributes:
        kind: Class of the error, with its module.
    """

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def worker_refusals(folder: Path) -> Iterator[None]:
    """Turn a worker's refusal of the model in a folder into a refusal here.

    Raises:
        SealedModelError: A worker refuses the model.
    """
    try:
        yield
    except WorkerError as error:
        if not error.kind.startswith("modelseal."):
            raise
        raise SealedModelError(
            f"A worker refuses the model: {error}",
            remedy=f"Give the workers the model at {folder}, and this environment.",
        ) from error
