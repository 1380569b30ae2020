"""Where a model lies while it is fetched: beside its destination, hidden, kept for the next try."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pinproof.errors import DeliveryError
from pinproof.sealed.folders import replace_folder

__all__ = ["Staging"]


class Staging:
    """A folder beside the destination, named after it and the digest that is fetched.

    Args:
        destination: The folder that the model will be.
        sha256: The digest of the manifest.

    Attributes:
        model: The folder of the files that are complete and verified.
        parts: The folder of the files that are not.
    """

    def __init__(self, destination: Path, sha256: str) -> None:
        self._destination = destination
        self._folder = destination.parent / f".{destination.name}-fetch-{sha256[:16]}"
        self.model = self._folder / "model"
        self.parts = self._folder / "parts"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and keep others out of it.

        Raises:
            DeliveryError: Another process fetches the same model to the same place.
        """
        for folder in (self.model, self.parts):
            folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            _lock(lock, self._folder)
            yield

    def room(self) -> int:
        """How many bytes can be written."""
        return shutil.disk_usage(self._folder).free

    def publish(self) -> None:
        """Put the model in its place, whole, and remove the rest."""
        replace_folder(self.model, self._destination)
        parent = os.open(self._destination.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
        self.discard()

    def discard(self) -> None:
        """Remove everything that was fetched."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _lock(lock: IO[str], folder: Path) -> None:
    # The system gives it back when the process ends, however it ends.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DeliveryError(
            f"{folder} is in use: another process fetches this model to the same place.",
            remedy="Wait for it to end.",
        ) from error
