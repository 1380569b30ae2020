"""What became of the records of a prediction log."""

from typing import NamedTuple

__all__ = ["LogCounts"]


class LogCounts(NamedTuple):
    """What became of the records: ``recorded`` is the sum of the others.

    Attributes:
        recorded: Answers that were given to the log.
        sampled_out: Records that the sample leaves out.
        written: Records in the store.
        dropped: Records that are lost: the queue was full, a value was not of its declared kind,
            or the log was closed before the store took them.
        waiting: Records that are not yet written.
    """

    recorded: int
    sampled_out: int
    written: int
    dropped: int
    waiting: int
