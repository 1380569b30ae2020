"""Loaders: functions by which services turn the files of a model into a predictor.

A manifest names a loader in the entry point group ``modelseal.loaders`` and not a function, so
that it can choose only among the functions that installed distributions register::

    [project.entry-points."modelseal.loaders"]
    orders = "orders.model:load"
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
    """The interface of a loaded model that modelseal needs."""

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Predict the golden inputs.

        Args:
            inputs: Inputs of the golden set, one JSON value each.

        Returns:
            For each named output, one value per input, in the order of the inputs.
        """
        ...


Loader = Callable[[Mapping[str, bytes]], Predictor]
"""Makes a predictor from the verified contents of the model's files, by file name.

It takes bytes and not paths, so that no file can be replaced between its verification and its
loading."""


def find_loader(name: str) -> Loader:
    """Import the loader that an installed distribution registers.

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
            remedy="Install the service's requirements-prod.txt unchanged.",
        ) from error


def loader_distribution(name: str) -> str:
    """The name of the distribution that registers a loader: the service of the model.

    Raises:
        LoaderNotFoundError: No installed distribution registers it.
    """
    distribution = _entry_point(name).dist
    assert distribution is not None  # noqa: S101 - only an entry point made by hand has none
    return distribution.name


def loader_source(name: str) -> Path | None:
    """The file of a loader's module; None if it is not imported."""
    file = getattr(sys.modules.get(_entry_point(name).module), "__file__", None)
    return Path(file) if file is not None else None


def _entry_point(name: str) -> EntryPoint:
    candidates = entry_points(group=GROUP)
    if name not in candidates.names:
        known = ", ".join(sorted(candidates.names)) or "none"
        raise LoaderNotFoundError(
            f"The model needs the loader {name!r}, which no installed package registers "
            f"(registered: {known}).",
            remedy="Install the service that the model belongs to in this environment.",
        )
    return candidates[name]
