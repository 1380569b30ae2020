"""Works out the transitive pins of one requirements file."""

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
from pinproof.closure.resolver import Resolution, Resolved, Resolver, UnsatisfiableError
from pinproof.repository.closure_record import RecordedPin
from pinproof.repository.policy import Policy
from pinproof.repository.targets import environments_of

__all__ = ["Question", "transitive_pins", "via_of"]

# Pinning what one end of the ranges brings can, in rare cases, move the other end.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What a file asks for, and what is known already.

    Attributes:
        direct: What people wrote, here and in the files that this one includes.
        constraints: What the files limit that this one names with `-c`.
        held: The transitive pins that stand in the file now.
        known: Versions that the rest of the repository pins, to agree with where that is possible.
    """

    direct: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...] = ()
    held: tuple[Requirement, ...] = ()
    known: Mapping[str, Version] = field(default_factory=dict)


def transitive_pins(
    question: Question, resolver: Resolver, policy: Policy
) -> tuple[list[Requirement], Resolution]:
    """The pins that belong below a file's marker line, and everything that the file leads to.

    A pin that is held stays as it is while the rest can be satisfied with it, and goes when nothing
    leads to it. A distribution that has none gets one at the version that is resolved now. The two
    ends of all ranges are then resolved, because a newer patch may need what an older one does not.

    Raises:
        UnsatisfiableError: What people wrote contradicts itself.
        ResolverError: The resolver failed.
    """
    writer = _Writer(question.direct, policy)
    constraints = _texts(question.constraints)
    kept, chosen = _choose(question, resolver)
    pins = writer.pins(chosen, kept)
    reached = chosen
    for _ in range(_ROUNDS):
        everything = [*_texts(question.direct), *_texts(pins)]
        ends = [
            resolver.resolve(everything, constraints, strategy=strategy)
            for strategy in ("highest", "lowest-direct")
        ]
        reached = tuple(chain(chosen, *ends))
        before, pins = pins, writer.pins(reached, [*kept, *pins])
        if _texts(before) == _texts(pins):
            break
    return pins, reached


def via_of(requirements: Iterable[Requirement], resolution: Resolution) -> list[RecordedPin]:
    """The pins as the record keeps them, sorted, each with what asks for it."""
    askers: defaultdict[str, set[str]] = defaultdict(set)
    for resolved in resolution:
        askers[resolved.name].update(resolved.via)
    pins = {str(requirement): canonicalize_name(requirement.name) for requirement in requirements}
    return [
        RecordedPin(pin=text, via=tuple(sorted(askers[name])))
        for text, name in sorted(pins.items(), key=lambda item: (item[1], item[0]))
    ]


def _choose(question: Question, resolver: Resolver) -> tuple[list[Requirement], Resolution]:
    """Resolve with as many of the held pins as can be kept; tell which."""
    direct, constraints = _texts(question.direct), _texts(question.constraints)
    kept = list(question.held)
    try:
        return kept, resolver.resolve(
            direct, [*constraints, *_texts(kept)], preferences=question.known
        )
    except UnsatisfiableError:
        if not kept:
            raise
    # Some pin does not hold any more. What a resolution near the old versions admits stays
    # without a question; each of the others is tried.
    near = dict(question.known)
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


class _Writer:
    """Makes pins of what was resolved, for the environments where people wrote none."""

    def __init__(self, direct: Sequence[Requirement], policy: Policy) -> None:
        self._policy = policy
        self._direct: defaultdict[str, set[int]] = defaultdict(set)
        self._specifiers: defaultdict[str, list[SpecifierSet]] = defaultdict(list)
        for requirement in direct:
            name = canonicalize_name(requirement.name)
            self._direct[name] |= environments_of(
                requirement.marker, policy.pythons, policy.platforms
            )
            self._specifiers[name].append(requirement.specifier)

    def pins(self, reached: Resolution, existing: Sequence[Requirement]) -> list[Requirement]:
        """One pin for each series that a distribution is resolved to, sorted."""
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
        # People's own pin for other environments comes first: the two should agree.
        specifiers = [*self._specifiers[name], *(pin.specifier for pin in existing)]
        places: dict[str, set[int]] = {}
        # The order of the resolutions decides where two of them differ in one environment, and the
        # older version where one pin can serve two environments.
        for resolved in sorted(versions, key=lambda found: found.version):
            specifier = next((s for s in specifiers if _contains(s, resolved.version)), None)
            if specifier is None:
                specifier = compatible_releases(resolved.version)
                specifiers.append(specifier)
            places.setdefault(str(specifier), set()).update(resolved.environments - claimed)
            claimed |= resolved.environments
        return [
            self._requirement(name, specifier, where)
            for specifier, where in places.items()
            if where
        ]

    def _requirement(self, name: str, specifier: str, places: set[int]) -> Requirement:
        marker = marker_for(places, self._policy.pythons, self._policy.platforms)
        return Requirement(f"{name}{specifier}; {marker}" if marker else f"{name}{specifier}")


def _texts(requirements: Iterable[Requirement]) -> list[str]:
    return [str(requirement) for requirement in requirements]


def _floor(pin: Requirement) -> Version:
    return max(Version(specifier.version) for specifier in pin.specifier)


def _admits(pin: Requirement, version: Version | None) -> bool:
    return version is None or _contains(pin.specifier, version)


def _contains(specifier: SpecifierSet, version: Version) -> bool:
    return specifier.contains(version, prereleases=True)
