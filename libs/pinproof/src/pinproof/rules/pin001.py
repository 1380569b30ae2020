"""A requirement is pinned with `~=`, and with nothing else.

Forbidden: a bare name, `>=`, `==`, `!=` alone, `*`, `===`, two operators, and a line that is not a
requirement.

Why: without an upper bound, the next installation may bring any later version. With `==`, security
fixes are not installed until someone notices. `~=` with three segments admits the patch releases of
one series and nothing above it. A second operator changes that meaning where a reader does not
expect it.

Instead: write the version that you tested, with three segments: `numpy~=1.26.4`. To exclude a bad
release, raise the floor above it.
"""

from collections.abc import Iterator

from modelseal.compatible_releases import compatible_releases
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from pinproof.repository.reader import Repository
from pinproof.repository.requirements import Line, LineKind, Spelling, shorten
from pinproof.violations import Violation

CODE = "PIN001"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every requirement that is not pinned with one `~=`."""
    for line in repository.lines():
        message = _problem(line)
        if message:
            yield Violation(line.path, line.number, CODE, message, line.name)


def _problem(line: Line) -> str:
    if line.kind is LineKind.INVALID:
        return f"{line.excerpt!r} is not a requirement ({line.error}): write name~=1.2.3"
    if line.kind is not LineKind.REQUIREMENT or line.requirement is None:
        return ""
    operators = [specifier.operator for specifier in line.requirement.specifier]
    if operators == ["~="]:
        return ""
    pin = suggested_pin(line.requirement, line.spelling)
    written = shorten(f"{line.requirement.name}{line.requirement.specifier}")
    if line.spelling is not Spelling.REQUIREMENT:
        written = line.excerpt
    if not operators:
        return f"{line.requirement.name} has no pin: write {pin}"
    if "~=" in operators:
        return f"{written} has a second operator besides ~=: write {pin}"
    return f"{written} is not pinned with ~=: write {pin}"


def suggested_pin(requirement: Requirement, spelling: Spelling = Spelling.REQUIREMENT) -> str:
    """The pin to write instead: the lowest series that the line names, without what it excludes."""
    floors, bounds, excluded = [], [], []
    for specifier in requirement.specifier:
        try:
            version = Version(specifier.version.removesuffix(".*"))
        except InvalidVersion:
            continue
        if specifier.operator in ("~=", ">=", "==", "===", ">"):
            floors.append(version)
        if specifier.operator in ("!=", ">"):
            excluded.append(version)
        if not specifier.operator.startswith("=="):
            bounds.append(str(specifier))
    admitted = SpecifierSet(",".join(bounds), prereleases=True)
    for floor in (max(floors, default=None), *map(_next_patch, sorted(excluded))):
        if floor is not None and floors and floor >= max(floors):
            pin = compatible_releases(floor)
            if pin.is_subset(admitted):
                return shorten(spelling.write(requirement.name, str(pin)))
    unknown = spelling.write(requirement.name, "~=")
    return f"{unknown} and the version that you tested, like ~=1.2.3"


def _next_patch(version: Version) -> Version:
    """The release after a version, in its series."""
    release = (*version.release, 0, 0)[: max(3, len(version.release))]
    epoch = f"{version.epoch}!" if version.epoch else ""
    return Version(epoch + ".".join(map(str, (*release[:-1], release[-1] + 1))))
