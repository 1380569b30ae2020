"""Finds the lines that pin one distribution for the same environment."""

from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.policy import Policy
from pinproof.repository.requirements import Line


class PinIndex:
    """The first line of one distribution for each environment of a policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._first: dict[int, Line] = {}

    def add(self, line: Line) -> None:
        """Register a line for each of its environments that no earlier line has."""
        for environment in self._environments(line):
            self._first.setdefault(environment, line)

    def find(self, line: Line) -> Line | None:
        """The first registered line that shares an environment with this one."""
        claimants = (self._first.get(environment) for environment in self._environments(line))
        return min(filter(None, claimants), key=lambda other: other.number, default=None)

    def _environments(self, line: Line) -> frozenset[int]:
        return matching_environments(line.marker, self._policy.pythons, self._policy.platforms)
