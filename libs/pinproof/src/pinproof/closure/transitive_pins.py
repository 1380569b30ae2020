"""Finds the transitive pins of one requirements file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from modelseal.series import compatible_releases
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.closure.markers import marker_for
from pinproof.closure.resolver import Resolution, Resolved, Resolver
from pinproof.closure.uv import UnsatisfiableError
from pinproof.repository.closure_record import RecordedPin
from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.policy import Policy

# The pins for one end of the ranges can change the resolution of the other end, in rare cases.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class PinInput:
    """The requirements of a file, and versions that are known already.

    Attributes:
        direct: The direct requirements of the file and of the files that it includes.
        constraints: The constraints of the files that it names with `-c`.
        current: The transitive pins that the file has now.
        known: Versions that the rest of the repository pins, which are preferred.
    """

    direct: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...] = ()
    current: tuple[Requirement, ...] = ()
    known: Mapping[str, Version] = field(default_factory=dict)


def transitive_pins(
    given: PinInput, resolver: Resolver, policy: Policy
) -> tuple[list[Requirement], Resolution]:
    """The transitive pins of a file, and the resolution of the file.

    Current pins are kept if they are still valid, and dropped if nothing requires them. Other
    distributions are pinned at the version that is resolved now. Both ends of all ranges are
    resolved, because a newer patch may require something that an older one does not.

    Raises:
        UnsatisfiableError: The direct requirements contradict each other.
        UvError: uv fails otherwise.
    """
    writer = _PinWriter(given.direct, policy)
    constraints = _texts(given.constraints)
    kept, chosen = _choose(given, resolver)
    pins = writer.pins(chosen, kept)
    reached = chosen
    for _ in range(_ROUNDS):
        everything = [*_texts(given.direct), *_texts(pins)]
        ends = [
            resolver.resolve(everything, constraints, strategy=strategy)
            for strategy in ("highest", "lowest-direct")
        ]
        reached = tuple(chain(chosen, *ends))
        before, pins = pins, writer.pins(reached, [*kept, *pins])
        if _texts(before) == _texts(pins):
            break
    return pins, reached


def recorded_pins(requirements: Iterable[Requirement], resolution: Resolution) -> list[RecordedPin]:
    """The entries of the closure record, sorted, each with the distributions that require it."""
    parents: defaultdict[str, set[str]] = defaultdict(set)
    for resolved in resolution:
        parents[resolved.name].update(resolved.via)
    pins = {str(requirement): canonicalize_name(requirement.name) for requirement in requirements}
    return [
        RecordedPin(pin=text, via=tuple(sorted(parents[name])))
        for text, name in sorted(pins.items(), key=lambda item: (item[1], item[0]))
    ]


def _choose(given: PinInput, resolver: Resolver) -> tuple[list[Requirement], Resolution]:
    """Keep as many current pins as possible. Returns the kept pins and the resolution."""
    direct, constraints = _texts(given.direct), _texts(given.constraints)
    kept = list(given.current)
    try:
        return kept, resolver.resolve(
            direct, [*constraints, *_texts(kept)], preferences=given.known
        )
    except UnsatisfiableError:
        if not kept:
            raise
    # Some pin does not hold any more. What a resolution near the old versions admits stays
    # without a given; each of the others is tried.
    near = dict(given.known)
    near.update((canonicalize_name(pin.name), _floor(pin)) for pin in kept)
    resolution = resolver.resolve(direct, constraints, preferences=near)
    versions = {resolved.name: resolved.version for resolved in resolution}
    doubtful = [pin for pin in kept if not _admits(pin, versions.get(canonicalize_name(pin.name)))]
    kept = [pin for pin in kept if pin not in doubtful]
    for pin in doubtful:
        try:
            limits = [*constraints, *_texts([*kept, pin])]
            resolution = resolver.resolve(direct, limits, preferences=near)
        except UnsatisfiableError:
            continue
        kept.append(pin)
    return kept, resolver.resolve(direct, [*constraints, *_texts(kept)], preferences=near)


class _PinWriter:
    """Pins resolved versions, for the environments without a direct pin."""

    def __init__(self, direct: Sequence[Requirement], policy: Policy) -> None:
        self._policy = policy
        self._direct: defaultdict[str, set[int]] = defaultdict(set)
        self._specifiers: defaultdict[str, list[SpecifierSet]] = defaultdict(list)
        for requirement in direct:
            name = canonicalize_name(requirement.name)
            self._direct[name] |= matching_environments(
                requirement.marker, policy.pythons, policy.platforms
            )
            self._specifiers[name].append(requirement.specifier)

    def pins(self, reached: Resolution, existing: Sequence[Requirement]) -> list[Requirement]:
        """One pin for each series of each resolved distribution, sorted."""
        by_name: defaultdict[str, list[Resolved]] = defaultdict(list)
        for resolved in reached:
            by_name[resolved.name].append(resolved)
        pins: list[Requirement] = []
        for name, versions in sorted(by_name.items()):
            own = [pin for pin in existing if canonicalize_name(pin.name) == name]
            pins += self._pins_of(name, versions, own)
        return pins

    def _pins_of(
        self, name: str, versions: Sequence[Resolved], existing: Sequence[Requirement]
    ) -> list[Requirement]:
        claimed = set(self._direct[name])
        # Direct pins for other environments come first: the two should agree.
        specifiers = [*self._specifiers[name], *(pin.specifier for pin in existing)]
        selected: dict[str, set[int]] = {}
        # If resolutions differ in one environment, the first one decides. If one pin can serve two
        # environments, the older version decides.
        for resolved in sorted(versions, key=lambda found: found.version):
            specifier = next((s for s in specifiers if _contains(s, resolved.version)), None)
            if specifier is None:
                specifier = compatible_releases(resolved.version)
                specifiers.append(specifier)
            selected.setdefault(str(specifier), set()).update(resolved.environments - claimed)
            claimed |= resolved.environments
        return [
            self._requirement(name, specifier, where)
            for specifier, where in selected.items()
            if where
        ]

    def _requirement(self, name: str, specifier: str, selected: set[int]) -> Requirement:
        marker = marker_for(selected, self._policy.pythons, self._policy.platforms)
        return Requirement(f"{name}{specifier}; {marker}" if marker else f"{name}{specifier}")


def _texts(requirements: Iterable[Requirement]) -> list[str]:
    return [str(requirement) for requirement in requirements]


def _floor(pin: Requirement) -> Version:
    return max(Version(specifier.version) for specifier in pin.specifier)


def _admits(pin: Requirement, version: Version | None) -> bool:
    return version is None or _contains(pin.specifier, version)


def _contains(specifier: SpecifierSet, version: Version) -> bool:
    return specifier.contains(version, prereleases=True)
