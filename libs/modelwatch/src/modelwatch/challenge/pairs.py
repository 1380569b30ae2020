"""Champion and challenger on the same rows."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from modelseal import Manifest

from modelwatch.challenge.bootstrap import Comparison, compare
from modelwatch.challenge.declaration import Declaration
from modelwatch.challenge.scores import Bools, Ints, Scores, row_cells
from modelwatch.reporting.metrics import BINARY, CLASSES, NUMBERS, Floats, Metric, coverage

__all__ = ["Entrant", "Pair", "pair_of"]

_METRICS: Final = {"binary": BINARY, "classes": CLASSES, "number": NUMBERS}


class Entrant(NamedTuple):
    """A model of a challenge: its manifest, the SHA-256 of that, and its scores."""

    manifest: Manifest
    sha256: str
    scores: Scores


class Pair(NamedTuple):
    """Champion and challenger on the rows that the champion was certainly not trained on.

    Attributes:
        declaration: The gates.
        champion: Cells of the champion, one for each row.
        challenger: Cells of the challenger.
        blocks: Number of each row's block, from 0.
        groups: For each grouping, the group of each row.
        leaked: Whether the challenger was trained on each row.
    """

    declaration: Declaration
    champion: Floats
    challenger: Floats
    blocks: Ints
    groups: dict[str, tuple[str, ...]]
    leaked: Bools

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics of the task."""
        task = self.declaration.task
        return _METRICS[task.kind] | ({"coverage": coverage} if task.low is not None else {})

    def compare(self, name: str, chosen: Bools | None = None) -> Comparison:
        """Compare a metric of all rows, or of some."""
        rows = np.ones(len(self.blocks), dtype=np.bool_) if chosen is None else chosen
        return compare(
            name,
            self.metrics[name],
            self.champion[rows],
            self.challenger[rows],
            _numbered(self.blocks[rows]),
            additive=self.declaration.task.kind == "number",
        )


def pair_of(champion: Scores, challenger: Scores, declaration: Declaration) -> Pair:
    """The rows that the champion was certainly not trained on.

    Args:
        champion: Scores of the champion.
        challenger: Scores of the challenger for the same rows.
        declaration: The gates.
    """
    unseen = champion.unseen
    return Pair(
        declaration=declaration,
        champion=row_cells(champion, declaration)[unseen],
        challenger=row_cells(challenger, declaration)[unseen],
        blocks=_numbered(np.array(champion.blocks)[unseen]),
        groups={
            name: tuple(value for value, kept in zip(values, unseen, strict=True) if kept)
            for name, values in champion.groups.items()
        },
        leaked=np.array([one == "yes" for one in challenger.trained_on])[unseen],
    )


def _numbered(blocks: npt.NDArray[np.generic]) -> Ints:
    return np.unique(blocks, return_inverse=True)[1].astype(np.int64)
