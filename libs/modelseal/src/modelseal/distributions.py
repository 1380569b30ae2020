"""Installed distributions, and the distributions that loaded modules belong to."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

__all__ = [
    "SourcedRequirement",
    "installed_distributions",
    "owners",
    "required_by",
    "walk_requirements",
]

SourcedRequirement = tuple[str, Requirement]
"""A requirement after its source: a line of a file, or the distribution that states it."""


def installed_distributions() -> dict[str, str]:
    """The versions of all distributions of this interpreter, by normalized name.

    If the import path has a distribution twice, the first counts, as for imports.
    """
    return {name: distribution.version for name, distribution in _distributions().items()}


def owners(modules: Iterable[str]) -> set[NormalizedName]:
    """The distributions of modules that are loaded in this process.

    A module belongs to the distribution whose record lists its file. If no record does, as for an
    editable installation, it belongs to the distributions that provide its top-level package.
    Modules of the standard library, and modules without a file, belong to none.

    Args:
        modules: Names in ``sys.modules``.
    """
    by_file = {
        path: name
        for name, distribution in _distributions().items()
        for path in _recorded_files(distribution)
    }
    by_package = packages_distributions()
    found: set[NormalizedName] = set()
    for module in modules:
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is None:
            continue
        owner = by_file.get(Path(file).resolve())
        if owner is not None:
            found.add(owner)
        else:
            providers = by_package.get(module.partition(".")[0], ())
            found.update(canonicalize_name(provider) for provider in providers)
    return found


def required_by(name: str) -> set[NormalizedName]:
    """A distribution and its installed dependencies, direct and indirect.

    Optional dependencies count only if a requirement names their extra.
    """
    installed = _distributions()

    def requires(found: NormalizedName) -> list[SourcedRequirement]:
        texts = installed[found].requires if found in installed else None
        return [(found, Requirement(text)) for text in texts or ()]

    walked = walk_requirements([(name, Requirement(name))], requires)
    return {canonicalize_name(requirement.name) for _, requirement in walked} & installed.keys()


def walk_requirements(
    roots: Iterable[SourcedRequirement],
    requires: Callable[[NormalizedName], Iterable[SourcedRequirement]],
    markers: Mapping[str, str] | None = None,
) -> Iterator[SourcedRequirement]:
    """Yield the requirements that apply: the roots, and those of the distributions they reach.

    Args:
        roots: The requirements to begin with.
        requires: Returns the requirements of a distribution, under every extra and marker.
        markers: The environment that markers are evaluated in. Default: this interpreter's.
    """

    def applicable(
        requirements: Iterable[SourcedRequirement], extra: str
    ) -> Iterator[SourcedRequirement]:
        for source, requirement in requirements:
            marker = requirement.marker
            if marker is None or marker.evaluate({**(markers or {}), "extra": extra}):
                yield source, requirement

    pending = list(applicable(roots, ""))
    seen: set[tuple[NormalizedName, str]] = set()
    while pending:
        source, requirement = pending.pop()
        yield source, requirement
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                pending += applicable(requires(name), extra)


def _distributions() -> dict[NormalizedName, Distribution]:
    found: dict[NormalizedName, Distribution] = {}
    for distribution in distributions():
        # An incomplete uninstallation leaves a folder without metadata, and so without a name.
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(canonicalize_name(name), distribution)
    return found


def _recorded_files(distribution: Distribution) -> Iterator[Path]:
    root = Path(str(distribution.locate_file(""))).resolve()
    for file in distribution.files or ():
        if file.suffix in {".py", ".so", ".pyd"}:
            yield root / file
