"""In which environments of one Python a requirement applies, extras considered."""

from collections.abc import Iterable
from functools import cache

from packaging.markers import Marker, UndefinedComparison
from packaging.requirements import Requirement

from pinproof.repository.targets import marker_environments

__all__ = ["MarkerScope"]


class MarkerScope:
    """The environments of one minor version of Python on the platforms of a policy."""

    def __init__(self, python: str, platforms: tuple[str, ...]) -> None:
        self._environments = tuple(marker_environments([python], platforms))
        self._fitting = cache(self._evaluate)

    def where(self, requirement: Requirement, extras: Iterable[str] = ()) -> frozenset[int]:
        """The environments, by their places, that a requirement applies to.

        Args:
            requirement: The requirement.
            extras: The extras that are asked for of the distribution whose requirement it is.
        """
        if requirement.marker is None:
            return frozenset(range(len(self._environments)))
        marker = str(requirement.marker)
        return frozenset[int]().union(*(self._fitting(marker, extra) for extra in {"", *extras}))

    def _evaluate(self, text: str, extra: str) -> frozenset[int]:
        marker = Marker(text)
        fitting = set()
        for place, environment in enumerate(self._environments):
            try:
                fits = marker.evaluate({**environment, "extra": extra})
            except UndefinedComparison:
                # It compares what has no order, such as the name of a system.
                fits = True
            if fits:
                fitting.add(place)
        return frozenset(fitting)
