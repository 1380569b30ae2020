"""What became of the answers that a shadow was asked for."""

from typing import NamedTuple

__all__ = ["ShadowCounts"]


class ShadowCounts(NamedTuple):
    """What became of the answers: ``offered`` is the sum of the others.

    Attributes:
        offered: Answers of the model in use that are logged, and so were offered to the shadow.
        written: Answers of the shadow in the store.
        failed: The challenger raised an error, or its process ended before it reported them. Those
            of a process that was killed may be in the store nevertheless.
        not_logged: Answers of the shadow that its log has lost.
        dropped: The shadow was busy, not running, or closed.
        waiting: Not answered, or not yet written.
    """

    offered: int
    written: int
    failed: int
    not_logged: int
    dropped: int
    waiting: int
