"""Finds the pins that must change together with others."""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from modelseal.compatible_releases import compatible_releases
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.closure.uv import UnsatisfiableError
from pinproof.proof.environments import EnvironmentCache, Recipe


def find_coupled_upgrades(
    direct: Sequence[Requirement],
    changed: Collection[str],
    environments: EnvironmentCache,
    recipe: Recipe,
) -> list[Requirement]:
    """The further pins that must change so that all can be installed together.

    First, every other pin may grow beyond its series, and those that leave it are candidates. Then
    each candidate is restored if the resolution still succeeds. No pin is lowered.

    Args:
        direct: All direct requirements, including the changed ones.
        changed: The names of the changed requirements.
        environments: The cache that resolves.
        recipe: The Python and the exclusions to resolve for.

    Raises:
        UnsatisfiableError: There is no resolution even if all others may grow.
    """
    resolver = _Resolver(direct, environments, recipe)
    try:
        resolver.resolve(frozenset())
    except UnsatisfiableError as collision:
        others = {canonicalize_name(pin.name) for pin in direct} - set(changed)
        try:
            versions = resolver.resolve(frozenset(others))
        except UnsatisfiableError as final:
            # The better of two explanations names a changed distribution.
            best = final if set(final.packages) & set(changed) else collision
            raise best from final
    else:
        return []
    moved = frozenset(resolver.leaving(versions, others))
    for name in sorted(moved):
        try:
            resolver.resolve(moved - {name})
        except UnsatisfiableError:
            continue
        moved -= {name}
    versions = resolver.resolve(moved)
    return [
        Requirement(f"{name}{compatible_releases(versions[name])}")
        for name in sorted(resolver.leaving(versions, moved))
    ]


class _Resolver:
    def __init__(
        self, direct: Sequence[Requirement], environments: EnvironmentCache, recipe: Recipe
    ) -> None:
        self._direct = direct
        self._environments = environments
        self._recipe = recipe

    def resolve(self, relaxed: Collection[str]) -> dict[str, Version]:
        """Resolve with some pins replaced by lower bounds."""
        lines = [
            str(_relaxed(pin) if canonicalize_name(pin.name) in relaxed else pin)
            for pin in self._direct
        ]
        with tempfile.TemporaryDirectory(prefix="pinproof-coupled_upgrades-") as folder:
            file = Path(folder) / "pins.in"
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            recipe = Recipe((file,), self._recipe.python, "highest", excluded=self._recipe.excluded)
            pins = self._environments.resolve(recipe)
        pairs = (pin.split("==", 1) for pin in pins)
        return {canonicalize_name(name): Version(version) for name, version in pairs}

    def leaving(self, versions: dict[str, Version], names: Collection[str]) -> set[str]:
        """The names whose version their pin does not admit."""
        return {
            name
            for pin in self._direct
            if (name := canonicalize_name(pin.name)) in names
            and name in versions
            and not pin.specifier.contains(versions[name], prereleases=True)
        }


def _relaxed(pin: Requirement) -> Requirement:
    relaxed = Requirement(str(pin))
    bounds = [f">={one.version}" for one in pin.specifier if one.operator in ("~=", ">=", "==")]
    relaxed.specifier = SpecifierSet(",".join(bounds))
    return relaxed
