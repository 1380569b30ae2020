"""Models that are sealed with the versions and the answers that they were proven with.

A service seals its model with `seal` and opens it with `open_sealed`. The command line is
described by ``modelseal --help``, the format by docs/sealed-model.md.
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
