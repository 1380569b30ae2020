"""Pins that are checked, models that are sealed, and proofs that both hold.

The sealed model is the part that services import; the checker is a command line, see
``pinproof --help``.
"""

from pinproof.errors import SealedModelError, SealError
from pinproof.golden import GoldenSet, GoldenValue, Tolerance
from pinproof.loaders import Loader, Predictor
from pinproof.manifest import Manifest
from pinproof.opening import OpenedModel, open_sealed
from pinproof.sealing import seal

__all__ = [
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
