"""Seal models with their versions and golden predictions, and open them only if both still hold.

A service seals its model with `seal` and opens it with `open_sealed`. ``modelseal --help``
describes the command line, docs/sealed-model.md the format.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelseal.errors import SealedModelError, SealError
    from modelseal.golden import Agreement, GoldenSet, GoldenValue, Tolerance
    from modelseal.loaders import Loader, Predictor
    from modelseal.manifest import Manifest
    from modelseal.opening import OpenedModel, open_sealed
    from modelseal.sealing import seal

__all__ = [
    "Agreement",
    "GoldenSet",
    "GoldenValue",
    "Loader",
    "Manifest",
    "OpenedModel",
    "Predictor",
    "SealError",
    "SealedModelError",
    "Tolerance",
    "open_sealed",
    "seal",
]


def __getattr__(name: str) -> object:
    # Imported on first use: `--help` of a program, and a checker of pins, need no pydantic.
    if name in __all__:
        for module in ("errors", "golden", "loaders", "manifest", "opening", "sealing"):
            if found := vars(import_module(f"modelseal.{module}")).get(name):
                return found
    raise AttributeError(f"module 'modelseal' has no attribute {name!r}")
