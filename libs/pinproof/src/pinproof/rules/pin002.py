"""A pin admits one series: the patch releases of one minor version.

Forbidden: `~=` with fewer than three release segments, and `~=0.0.9`, with three, for a project in
0.0.x.

Why: `~=1.26` admits 1.99, because the last written segment can grow. Both forms look alike and
install without an error; only the model that is loaded later shows the difference. In `~=0.0.9` the
third segment can grow, and a 0.0.x project breaks its interface there.

Instead: write all three segments, also for a calendar version: `~=1.26.0`, `~=2026.6.0`. For 0.0.x
write four: `~=0.0.9.0`. A missing segment counts as zero, so each of these matches the shorter
version.
"""

from collections.abc import Iterator
from functools import cache

from modelseal.compatible_releases import compatible_releases
from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from pinproof.repository.reader import Repository
from pinproof.repository.requirements import LineKind, shorten
from pinproof.violations import Violation

CODE = "PIN002"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every `~=` that admits more than one series."""
    for line in repository.lines():
        if line.kind is not LineKind.REQUIREMENT or line.requirement is None:
            continue
        name = line.requirement.name
        for specifier in line.requirement.specifier:
            if specifier.operator == "~=" and not stays_in_series(specifier):
                narrow = str(compatible_releases(Version(specifier.version)))
                message = (
                    f"{shorten(line.spelling.write(name, str(specifier)))} admits more than one "
                    f"series: write {shorten(line.spelling.write(name, narrow))}"
                )
                yield Violation(line.path, line.number, CODE, message, line.name)


@cache
def stays_in_series(pin: Specifier) -> bool:
    """Whether a `~=` admits only versions of one series."""
    admitted = SpecifierSet(str(pin), prereleases=True)
    return admitted.is_subset(compatible_releases(Version(pin.version)))
