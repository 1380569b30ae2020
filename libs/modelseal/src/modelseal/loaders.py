"""How a service hands its model to modelseal: a loader, registered by its distribution.

A manifest names a loader, never a function. The name is looked up in the entry point group
``modelseal.loaders`` of the installed distributions, so a manifest can only choose among code
that an installed package offered for the purpose::

    [project.entry-points."modelseal.loaders"]
    bankchurn = "bankchurn.model:load"
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, cast

from pydantic import JsonValue

from modelseal.errors import LoaderImportError, LoaderNotFoundError
from modelseal.golden import GoldenValue

__all__ = ["Loader", "Predictor", "find_loader", "loader_distribution", "loader_source"]

GROUP = "modelseal.loaders"


class Predictor(Protocol):
    """A loaded model, as far as modelseal is concerned."""

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs.

        Args:
            inputs: Inputs of the golden set, one JSON value each.

        Returns:
            For each named output, one value per input, in the order of the inputs.
        """
        ...


Loader = Callable[[Mapping[str, bytes]], Predictor]
"""Makes a predictor of the verified bytes of the model's files, by file name.

Bytes and not paths: what was hashed is what is loaded, with no moment in between in which a
file could be exchanged."""


def find_loader(name: str) -> Loader:
    """The loader that an installed distribution registers under a name.

    Args:
        name: The name in the entry point group ``modelseal.loaders``.

    Raises:
        LoaderNotFoundError: No installed distribution registers it.
        LoaderImportError: Its module cannot be imported.
    """
    entry_point = _entry_point(name)
    try:
        return cast("Loader", entry_point.load())
    except Exception as error:
        raise LoaderImportError(
            f"The loader {name!r} ({entry_point.value}) cannot be imported: "
            f"{type(error).__name__}: {error}.",
            remedy="Install the service's requirements-prod.txt as it stands.",
        ) from error


def loader_distribution(name: str) -> str:
    """The distribution that registers a loader: the service that the model belongs to.

    Raises:
        LoaderNotFoundError: No installed distribution registers it.
    """
    distribution = _entry_point(name).dist
    # Entry points that are found in installed metadata know where they were found.
    assert distribution is not None  # noqa: S101
    return distribution.name


def loader_source(name: str) -> Path | None:
    """The file of a loader's module, where it has been imported from one."""
    file = getattr(sys.modules.get(_entry_point(name).module), "__file__", None)
    return Path(file) if file is not None else None


def _entry_point(name: str) -> EntryPoint:
    candidates = entry_points(group=GROUP)
    if name not in candidates.names:
        known = ", ".join(sorted(candidates.names)) or "none"
        raise LoaderNotFoundError(
            f"The model wants the loader {name!r}, which no installed package registers "
            f"(registered: {known}).",
            remedy="Install the service that the model belongs to in this environment.",
        )
    return candidates[name]
