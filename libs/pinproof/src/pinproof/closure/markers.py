"""Writes the marker that selects given environments of a policy."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from packaging.version import Version

from pinproof.repository.marker_environments import PATCHES, PLATFORMS


def marker_for(
    environments: Collection[int], pythons: Sequence[str], platforms: Sequence[str]
) -> str:
    """The marker that selects exactly these environments of a policy.

    Args:
        environments: The environments, as indices into `marker_environments`.
        pythons: The Pythons of the policy.
        platforms: The platforms of the policy.

    Returns:
        The marker, or an empty text if it would select all environments. For environments outside
        of the policy its value is undefined, so that it is short.
    """
    releases = _Releases(pythons)
    columns_of: defaultdict[int, set[str]] = defaultdict(set)
    for index in environments:
        row, column = divmod(index, len(platforms))
        columns_of[releases.rank(row)].add(platforms[column])
    ranks_of: defaultdict[frozenset[str], list[int]] = defaultdict(list)
    for rank, columns in sorted(columns_of.items()):
        ranks_of[frozenset(columns)].append(rank)
    alternatives = [
        _all_of(_platform_clause(columns, platforms), releases.clause(ranks))
        for columns, ranks in ranks_of.items()
    ]
    return "" if "" in alternatives else _any_of(alternatives)


class _Releases:
    """The patch releases of a policy's Pythons, in the order of their versions."""

    def __init__(self, pythons: Sequence[str]) -> None:
        self._pythons = sorted(pythons, key=Version)
        self._ranks = [self._pythons.index(python) * len(PATCHES) for python in pythons]
        self._count = len(pythons) * len(PATCHES)

    def rank(self, row: int) -> int:
        """The rank of a release, from its index in the order of the policy."""
        minor, patch = divmod(row, len(PATCHES))
        return self._ranks[minor] + patch

    def clause(self, ranks: Sequence[int]) -> str:
        """The clause that selects exactly these releases."""
        runs = [
            [rank for _, rank in run]
            for _, run in groupby(enumerate(ranks), key=lambda pair: pair[1] - pair[0])
        ]
        return _any_of([_all_of(*self._bounds(run[0], run[-1] + 1)) for run in runs])

    def _bounds(self, first: int, end: int) -> Iterator[str]:
        if first > 0:
            yield self._bound(">=", first)
        if end < self._count:
            yield self._bound("<", end)

    def _bound(self, operator: str, rank: int) -> str:
        minor, patch = divmod(rank, len(PATCHES))
        if patch == 0:
            return f'python_version {operator} "{self._pythons[minor]}"'
        return f'python_full_version {operator} "{self._pythons[minor]}.{patch}"'


def _platform_clause(wanted: frozenset[str], platforms: Sequence[str]) -> str:
    """The clause that selects exactly these platforms of the policy."""
    if wanted == set(platforms):
        return ""
    by_system: defaultdict[str, list[str]] = defaultdict(list)
    for platform in platforms:
        by_system[PLATFORMS[platform]["sys_platform"]].append(platform)
    whole = [system for system, members in by_system.items() if wanted.issuperset(members)]
    absent = [system for system, members in by_system.items() if wanted.isdisjoint(members)]
    if len(whole) > 1 and len(absent) == 1 and len(whole) + 1 == len(by_system):
        return f'sys_platform != "{absent[0]}"'
    clauses = [f'sys_platform == "{system}"' for system in whole]
    clauses += [
        _all_of(
            f'sys_platform == "{PLATFORMS[platform]["sys_platform"]}"',
            f'platform_machine == "{PLATFORMS[platform]["platform_machine"]}"',
        )
        for platform in platforms
        if platform in wanted and PLATFORMS[platform]["sys_platform"] not in whole
    ]
    return _any_of(clauses)


def _all_of(*clauses: str) -> str:
    filled = [clause for clause in clauses if clause]
    if len(filled) == 1:
        return filled[0]
    return " and ".join(f"({clause})" if " or " in clause else clause for clause in filled)


def _any_of(clauses: Sequence[str]) -> str:
    return "" if "" in clauses else " or ".join(clauses)
