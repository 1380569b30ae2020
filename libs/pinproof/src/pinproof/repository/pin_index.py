"""Finds lines that pin one distribution for one environment."""

from pinproof.repository.policy import Policy
from pinproof.repository.requirements import Line
from pinproof.repository.targets import environments_of

__all__ = ["PinIndex"]


class PinIndex:
    """Which line each environment of a policy takes one distribution from first."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._first: dict[int, Line] = {}

    def add(self, line: Line) -> None:
        """Let a line claim each environment that it applies to and that no line has claimed."""
        for environment in self._environments(line):
            self._first.setdefault(environment, line)

    def find(self, line: Line) -> Line | None:
        """The first line that has claimed an environment that this one applies to."""
        claimants = (self._first.get(environment) for environment in self._environments(line))
        return min(filter(None, claimants), key=lambda other: other.number, default=None)

    def _environments(self, line: Line) -> frozenset[int]:
        return environments_of(line.marker, self._policy.pythons, self._policy.platforms)
