"""Errors of prediction logs. Each message ends with the remedy."""

from modelseal.errors import RemedyError

__all__ = [
    "ChallengeError",
    "DocumentError",
    "PlaceError",
    "SchemaError",
    "StoreError",
    "TrackingError",
    "TruthError",
]


class PlaceError(RemedyError):
    """The address of a prediction log cannot be used."""


class SchemaError(RemedyError):
    """The declaration of what is logged contradicts itself."""


class StoreError(RemedyError):
    """A folder, bucket or database could not be read or written now."""


class TruthError(RemedyError):
    """A file of outcomes cannot be used. Nothing was stored."""


class DocumentError(RemedyError):
    """A reference profile cannot be used."""


class ChallengeError(RemedyError):
    """A challenge could not be decided. Nothing was written."""


class TrackingError(RemedyError):
    """Something could not be recorded on the tracking server."""
