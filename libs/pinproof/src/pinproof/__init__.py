"""Pins that are checked, models that are sealed, and proofs that both hold.

The sealed model is the part that services import; the checker is a command line, see
``pinproof --help``.
"""

from pinproof.errors import SealedModelError, SealError
from pinproof.sealed.golden import Agreement, GoldenSet, GoldenValue, Tolerance
from pinproof.sealed.loaders import Loader, Predictor
from pinproof.sealed.manifest import Manifest
from pinproof.sealed.opening import OpenedModel, open_sealed
from pinproof.sealed.sealing import seal

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
