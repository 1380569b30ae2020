"""Installed distributions, and the distributions that loaded modules belong to."""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

__all__ = ["installed_distributions", "owners", "required_by"]


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
    reached: set[tuple[NormalizedName, str]] = set()
    pending = [(canonicalize_name(name), "")]
    while pending:
        wanted, extra = pending.pop()
        if (wanted, extra) in reached or wanted not in installed:
            continue
        reached.add((wanted, extra))
        for text in installed[wanted].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                found = canonicalize_name(requirement.name)
                pending += [(found, further) for further in ("", *requirement.extras)]
    return {found for found, _ in reached}


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
