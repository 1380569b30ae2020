"""The state of a training on disk: what a kill does not take away."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from modelseal.temporaries import remove_left
from servicekit.files import DataError, NewFile, make_folder, write_errors

__all__ = ["Checkpoint", "discard_all"]

_NAMES: Final = ("member-*.pt", "final.pt")
_FORMAT: Final = 2


@dataclass(frozen=True)
class Checkpoint:
    """The state of one of several trainings in a folder, replaced as a whole each time.

    Attributes:
        folder: Made where it is missing.
        identity: What the training is of. The state of another one is never continued.
        name: Which of the trainings it is: ``member-1``, ``member-2``, ..., ``final``.
    """

    folder: Path
    identity: str
    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.name}.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state."""
        make_folder(self.folder)
        with NewFile(self.path) as file, write_errors(self.path), file.path.open("wb") as target:
            # To an open file: torch takes no path that is not UTF-8.
            torch.save({"format": _FORMAT, "identity": self.identity, **state}, target)

    def load(self) -> dict[str, Any] | None:
        """The state to go on from, or None where there is none.

        Raises:
            DataError: The folder holds another training's, or a file that is none.
        """
        if self.folder.is_dir():
            remove_left(self.path)  # of a training that was killed while it saved
        if not self.path.exists():
            return None
        try:
            # Tensors and plain values only: this file runs no code when it is read.
            state: dict[str, Any] = torch.load(self.path, weights_only=True)
            same = state["format"] == _FORMAT and state["identity"] == self.identity
        except Exception as error:
            raise DataError(
                f"{self.path} cannot be read as the state of a training ({error}). Delete it to "
                "begin anew."
            ) from error
        if not same:
            raise DataError(
                f"{self.path} is the state of another training: other texts, options, weights or "
                "versions. Delete it to begin anew, or keep it and give another folder (--work)."
            )
        return state


def discard_all(folder: Path) -> None:
    """Remove the states of all trainings in a folder, once what they were for is done."""
    for name in _NAMES:
        for path in folder.glob(name):
            path.unlink(missing_ok=True)
