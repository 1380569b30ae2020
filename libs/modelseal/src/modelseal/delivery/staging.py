"""Where a model lies while it is fetched: beside its destination, hidden, kept for the next try."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from modelseal.errors import DeliveryError
from modelseal.temporaries import Temporary, remove_left

__all__ = ["Staging"]

_LOCK = "lock"


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
        """Make the folder, keep others out of it, and remove what is left of other models.

        Raises:
            DeliveryError: Another process fetches the same model to the same place.
        """
        with self._take():
            self._remove_others()
            remove_left(self._destination)
            for folder in (self.model, self.parts):
                folder.mkdir(exist_ok=True)
            yield

    def room(self) -> int:
        """How many bytes can be written."""
        return shutil.disk_usage(self._folder).free

    def publish(self) -> None:
        """Put the model in its place, whole, and remove the rest."""
        with Temporary(self._destination) as place:
            self.model.chmod(0o755)
            self.model.rename(place.path)
            place.put_folder()
        parent = os.open(self._destination.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
        self.discard()

    def discard(self) -> None:
        """Remove everything that was fetched."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take(self) -> IO[str]:
        """Make the folder, and open and lock its lock file."""
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Until its lock is held, a fetch of another model may remove the folder.
            with suppress(FileNotFoundError):
                lock = (self._folder / _LOCK).open("w")
                try:
                    _lock(lock, self._folder)
                    if os.fstat(lock.fileno()).st_nlink:
                        return lock
                except BaseException:
                    lock.close()
                    raise
                lock.close()

    def _remove_others(self) -> None:
        """Remove what fetches of other models to this place left, except those at work."""
        names = re.compile(rf"\.{re.escape(self._destination.name)}-fetch-[0-9a-f]{{16}}")
        for folder in self._destination.parent.iterdir():
            if folder.name != self._folder.name and names.fullmatch(folder.name):
                with suppress(OSError), (folder / _LOCK).open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)


def _lock(lock: IO[str], folder: Path) -> None:
    # The system gives it back when the process ends, however it ends.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DeliveryError(
            f"{folder} is in use: another process fetches this model to the same place.",
            remedy="Wait for it to end.",
        ) from error
