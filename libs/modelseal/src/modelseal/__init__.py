"""Seal models with their versions and golden predictions, and open them only if both still hold.

A service seals its model with `seal` and opens it with `open_sealed`. ``modelseal --help``
describes the command line, docs/sealed-model.md the format.
"""

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
