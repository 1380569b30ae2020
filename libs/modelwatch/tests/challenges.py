"""Synthetic scores of two models, and manifests of models that were never trained."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from modelseal import Manifest
from modelwatch.challenge.declaration import Declaration
from modelwatch.challenge.pairs import Entrant
from modelwatch.challenge.scores import Scores
from modelwatch.profile import Task
from modelwatch.reporting.metrics import Floats

BINARY = Declaration(
    task=Task(kind="binary", output="probability"),
    metric="log_loss",
    group_margin=0.1,
    calibration_margin=0.02,
    plausible_gain=0.5,
)


@dataclass(frozen=True)
class Noise:
    """How far the log-odds of a model are from the truth.

    Attributes:
        spread: Standard deviation of the error of each row.
        scale: Factor of the log-odds; 1 is calibrated.
    """

    spread: float = 0.4
    scale: float = 1.0


def draw_pair(
    rows: int, random: np.random.Generator, champion: Noise, challenger: Noise
) -> tuple[Floats, Floats]:
    """Cells of two models that err independently of each other."""
    margin = random.normal(-1.2, 1.3, rows)
    outcome = (random.random(rows) < 1 / (1 + np.exp(-margin))).astype(float)
    cells = []
    for noise in (champion, challenger):
        found = noise.scale * (margin + noise.spread * random.normal(size=rows))
        cells.append(np.column_stack([np.ones(rows), 1 / (1 + np.exp(-found)), outcome]))
    return cells[0], cells[1]


def scores_of(cells: Floats, **changes: Any) -> Scores:  # noqa: ANN401 - fields of all types
    """The scores that have these cells of the kind ``binary``."""
    rows = tuple(str(number) for number in range(len(cells)))
    scores = Scores(
        rows=rows,
        trained_on=("no",) * len(rows),
        outcomes=tuple(str(int(one)) for one in cells[:, 2]),
        blocks=rows,
        groups={},
        outputs={"probability": tuple(map(repr, cells[:, 1].tolist()))},
        cpu_us=(30.0,) * 20,
    )
    return scores._replace(**changes)


def manifest_of(version: str = "1", **changes: Any) -> Manifest:  # noqa: ANN401
    """A manifest with two golden answers."""
    fields: dict[str, Any] = {
        "name": "orders",
        "version": version,
        "git_commit": "a" * 40,
        "python": "3.11.7",
        "platform": "Linux",
        "loader": "orders",
        "files": {"model.json": {"sha256": "0" * 64, "size": 1000}},
        "environment": {"numpy": {"version": "1.26.4", "guarded": True}},
        "golden": {
            "inputs": [1, 2],
            "outputs": {"score": [0.25, 0.5], "label": ["low", "high"]},
            "tolerances": {"score": {"absolute": 1e-6}, "label": {}},
        },
        "data": {"sha256": "1"},
        "metrics": {},
        "parameters": {"seed": 1},
    }
    return Manifest.unsealed(created=datetime(2026, 3, 1, tzinfo=UTC), **(fields | changes))


def entrant_of(scores: Scores, manifest: Manifest | None = None) -> Entrant:
    """A model with these scores."""
    return Entrant(manifest or manifest_of(), "0" * 64, scores)
