"""The decision about a challenger, and why."""

import time
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from modelwatch.challenge.bootstrap import CONFIDENCE, EQUAL_PROMOTED, Comparison
from modelwatch.challenge.declaration import Declaration
from modelwatch.challenge.gates import Gate, judge, runs_gate
from modelwatch.challenge.pairs import Entrant, Pair, pair_of
from modelwatch.errors import ChallengeError
from modelwatch.reporting.metrics import calibration_points
from modelwatch.reporting.performance import MIN_OUTCOMES

__all__ = ["Decision", "Identity", "decide", "reject"]

_ADVICE: Final = "Give rows that the champion was not trained on, such as those that came later."

_MIN_BLOCKS: Final = 20
"""Fewer blocks than these give intervals that are too narrow."""


class Identity(NamedTuple):
    """A sealed model: its name, its version, and the SHA-256 of its manifest."""

    name: str
    version: str
    sha256: str


class Decision(NamedTuple):
    """A decision.

    Attributes:
        created: Time of the decision in seconds since 1970.
        champion: The champion.
        challenger: The challenger; None if none was sealed.
        declaration: The gates that the service declares.
        gates: Their results.
        held_out: Rows that the challenger was not to be trained on.
        compared: Rows of these that the champion was certainly not trained on.
        metrics: Every metric on the compared rows.
        calibration: The calibration of both models; empty for other tasks.
    """

    created: float
    champion: Identity
    challenger: Identity | None
    declaration: Declaration
    gates: list[Gate]
    held_out: int
    compared: int
    metrics: dict[str, Comparison]
    calibration: tuple[tuple[tuple[float, float, int], ...], ...]

    @property
    def promoted(self) -> bool:
        """Whether the challenger passed every gate."""
        return all(gate.passed for gate in self.gates)

    def document(self) -> dict[str, Any]:
        """The decision as a JSON document."""
        return {
            "format": 1,
            "created": datetime.fromtimestamp(self.created, UTC).isoformat(timespec="seconds"),
            "decision": "promoted" if self.promoted else "not-promoted",
            "failed_gates": [gate.name for gate in self.gates if not gate.passed],
            "champion": self.champion._asdict(),
            "challenger": self.challenger and self.challenger._asdict(),
            "declaration": self.declaration.model_dump(mode="json"),
            "confidence": CONFIDENCE,
            "equal_challengers_promoted_at_most": EQUAL_PROMOTED,
            "rows": {"held_out": self.held_out, "compared": self.compared},
            "metrics": {name: one._asdict() for name, one in self.metrics.items()},
            "gates": [gate._asdict() for gate in self.gates],
        }


def decide(champion: Entrant, challenger: Entrant, declaration: Declaration) -> Decision:
    """Compare two models, and decide whether the challenger is promoted.

    Args:
        champion: The champion.
        challenger: The challenger, with scores of the same rows.
        declaration: The gates.

    Raises:
        ChallengeError: There are too few rows that the champion was certainly not trained on, or
            the rows of the two models differ.
    """
    if not champion.scores.same_rows(challenger.scores):
        raise ChallengeError(
            "The rows, outcomes or groups of the scores of the two models differ.",
            remedy="Correct the service's command `score`: they must not depend on the model.",
        )
    pair = pair_of(champion.scores, challenger.scores, declaration)
    _check_size(pair)
    metrics = {name: pair.compare(name) for name in pair.metrics}
    binary = declaration.task.kind == "binary"
    return Decision(
        created=time.time(),
        champion=_identity(champion),
        challenger=_identity(challenger),
        declaration=declaration,
        gates=judge(champion, challenger, pair, metrics[declaration.metric]),
        held_out=len(champion.scores.rows),
        compared=len(pair.blocks),
        metrics=metrics,
        calibration=tuple(map(calibration_points, (pair.champion, pair.challenger)))
        if binary
        else (),
    )


def reject(
    champion: Entrant, challenger: Identity | None, declaration: Declaration, problem: str
) -> Decision:
    """The decision about a challenger that could not be compared.

    Args:
        champion: The champion.
        challenger: The challenger; None if none was sealed.
        declaration: The gates.
        problem: What failed.
    """
    return Decision(
        created=time.time(),
        champion=_identity(champion),
        challenger=challenger,
        declaration=declaration,
        gates=[runs_gate(problem)],
        held_out=len(champion.scores.rows),
        compared=0,
        metrics={},
        calibration=(),
    )


def _identity(entrant: Entrant) -> Identity:
    return Identity(entrant.manifest.name, entrant.manifest.version, entrant.sha256)


def _check_size(pair: Pair) -> None:
    rows, blocks = len(pair.blocks), len(set(pair.blocks.tolist()))
    if rows < MIN_OUTCOMES:
        raise ChallengeError(
            f"Only {rows} held-out rows are certainly not among the champion's training rows; "
            f"{MIN_OUTCOMES} are needed.",
            remedy=_ADVICE,
        )
    if blocks < _MIN_BLOCKS:
        raise ChallengeError(
            f"The held-out rows are {blocks} blocks that are independent of each other; "
            f"{_MIN_BLOCKS} are needed.",
            remedy="Hold out more of them.",
        )
