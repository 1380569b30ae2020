"""Checkpoints: the state of a training on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from modelseal.temporary_outputs import remove_left
from servicekit.files import DataError, NewFile, make_folder, write_errors

_NAMES: Final = ("member-*.pt", "final.pt")
_FORMAT: Final = 2


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one of several trainings in a folder.

    Attributes:
        folder: The folder, created when needed.
        identity: Digest of everything that the training depends on; a checkpoint with another
            identity is never resumed.
        name: Name of the training: ``member-1``, ``member-2``, ..., ``final``.
    """

    folder: Path
    identity: str
    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.name}.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state."""
        make_folder(self.folder)
        with NewFile(self.path) as file, write_errors(self.path), file.path.open("wb") as target:
            # To an open file, because torch accepts only UTF-8 paths.
            torch.save({"format": _FORMAT, "identity": self.identity, **state}, target)

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None.

        Raises:
            DataError: The file is another training's checkpoint, or not a checkpoint.
        """
        if self.folder.is_dir():
            remove_left(self.path)  # of a training that was killed while it saved
        if not self.path.exists():
            return None
        try:
            # weights_only: loading tensors and plain values runs no code of the file.
            state: dict[str, Any] = torch.load(self.path, weights_only=True)
            same = state["format"] == _FORMAT and state["identity"] == self.identity
        except Exception as error:
            raise DataError(
                f"{self.path} cannot be read as the state of a training ({error}). Delete it to "
                "start again."
            ) from error
        if not same:
            raise DataError(
                f"{self.path} is the state of another training: other texts, options, weights or "
                "versions. Delete it to start again, or give another folder (--work)."
            )
        return state


def discard_all(folder: Path) -> None:
    """Remove the checkpoints of all trainings in a folder."""
    for name in _NAMES:
        for path in folder.glob(name):
            path.unlink(missing_ok=True)
