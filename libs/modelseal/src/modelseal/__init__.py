"""Models that are sealed with the versions and the answers that they were proven with.

A service seals its model with `seal` and opens it with `open_sealed`. The command line is
described by ``modelseal --help``, the format by docs/sealed-model.md.
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

# Imported on first use: `--help` of the command lines needs none of them.
_MODULES = {
    "errors": ("SealError", "SealedModelError"),
    "golden": ("Agreement", "GoldenSet", "GoldenValue", "Tolerance"),
    "loaders": ("Loader", "Predictor"),
    "manifest": ("Manifest",),
    "opening": ("OpenedModel", "open_sealed"),
    "sealing": ("seal",),
}


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"modelseal.{module}"), name)
    raise AttributeError(f"module 'modelseal' has no attribute {name!r}")
