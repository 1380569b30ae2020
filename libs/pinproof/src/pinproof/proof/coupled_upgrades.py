"""Finds the pins that must move along with others."""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from modelseal.series import compatible_releases
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.proof.environments import CollisionError, EnvironmentCache, Recipe

__all__ = ["find_coupled_upgrades"]


def find_coupled_upgrades(
    direct: Sequence[Requirement],
    changed: Collection[str],
    environments: EnvironmentCache,
    recipe: Recipe,
) -> list[Requirement]:
    """The pins, beside those that were changed, that must move for all to be installed together.

    Every other pin is first allowed to grow beyond its series, and whatever then leaves it is a
    candidate. Each candidate that turns out to fit after all is put back, so that only what
    collides moves. No pin is lowered.

    Args:
        direct: All direct requirements, the changed ones as they should be.
        changed: The names that may not be relaxed.
        environments: Resolves.
        recipe: The Python and the exclusions to resolve for.

    Raises:
        CollisionError: There is no way, however far the others move.
    """
    seeker = _Seeker(direct, environments, recipe)
    try:
        seeker.resolve(frozenset())
    except CollisionError as collision:
        others = {canonicalize_name(pin.name) for pin in direct} - set(changed)
        try:
            versions = seeker.resolve(frozenset(others))
        except CollisionError as final:
            # Of two explanations the one that speaks of what was asked for is the better one.
            best = final if set(final.packages) & set(changed) else collision
            raise best from final
    else:
        return []
    moved = frozenset(seeker.leaving(versions, others))
    for name in sorted(moved):
        try:
            seeker.resolve(moved - {name})
        except CollisionError:
            continue
        moved -= {name}
    versions = seeker.resolve(moved)
    return [
        Requirement(f"{name}{compatible_releases(versions[name])}")
        for name in sorted(seeker.leaving(versions, moved))
    ]


class _Seeker:
    def __init__(
        self, direct: Sequence[Requirement], environments: EnvironmentCache, recipe: Recipe
    ) -> None:
        self._direct = direct
        self._environments = environments
        self._recipe = recipe

    def resolve(self, relaxed: Collection[str]) -> dict[str, Version]:
        """Resolve with some pins turned into lower bounds."""
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
        """Those whose version is not what their pin admits."""
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
