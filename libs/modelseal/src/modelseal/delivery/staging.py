"""The hidden folder next to the destination where a download is kept until it is complete."""

import fcntl
import os
import re
import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from modelseal.errors import DeliveryError
from modelseal.temporary_outputs import Temporary, remove_left

__all__ = ["Staging"]

_LOCK = "lock"


class Staging:
    """The folder of one download. It is named after the destination and the digest.

    Args:
        destination: Folder of the model.
        sha256: Digest of the manifest.

    Attributes:
        model: Folder of the files that are complete and verified.
        parts: Folder of the incomplete files.
    """

    def __init__(self, destination: Path, sha256: str) -> None:
        self._destination = destination
        self._folder = destination.parent / f".{destination.name}-fetch-{sha256[:16]}"
        self.model = self._folder / "model"
        self.parts = self._folder / "parts"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create and lock the folder, and remove what stopped downloads of other models left.

        Raises:
            DeliveryError: Another process fetches the same model to the same destination.
        """
        with self._create():
            self._remove_others()
            remove_left(self._destination)
            for folder in (self.model, self.parts):
                folder.mkdir(exist_ok=True)
            yield

    def fetched_bytes(self, names: Container[str]) -> int:
        """The total size of those of the named files that are here, complete or not, in bytes."""
        return sum(
            path.stat().st_size
            for folder in (self.model, self.parts)
            for path in folder.iterdir()
            if path.name in names
        )

    def free_bytes(self) -> int:
        """The free space of the disk in bytes."""
        return shutil.disk_usage(self._folder).free

    def publish(self) -> None:
        """Move the complete model to its destination in one step, and remove the rest."""
        with Temporary(self._destination) as temporary:
            self.model.chmod(0o755)
            self.model.rename(temporary.path)
            temporary.put_folder()
        parent = os.open(self._destination.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
        self.discard()

    def discard(self) -> None:
        """Remove everything that was fetched."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _create(self) -> IO[str]:
        """Create the folder, and open and lock its lock file.

        The system releases the lock when the process ends, even if it is killed.
        """
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A download of another model may remove the folder until it is locked.
            with suppress(FileNotFoundError):
                lock = (self._folder / _LOCK).open("w")
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.fstat(lock.fileno()).st_nlink:
                        return lock
                except BlockingIOError as error:
                    lock.close()
                    raise DeliveryError(
                        f"{self._folder} is in use: another process fetches this model to the same "
                        "destination.",
                        remedy="Wait until it has ended.",
                    ) from error
                lock.close()

    def _remove_others(self) -> None:
        names = re.compile(rf"\.{re.escape(self._destination.name)}-fetch-[0-9a-f]{{16}}")
        for folder in self._destination.parent.iterdir():
            if folder.name != self._folder.name and names.fullmatch(folder.name):
                # A running download holds its lock, so that its folder is kept.
                with suppress(OSError), (folder / _LOCK).open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
