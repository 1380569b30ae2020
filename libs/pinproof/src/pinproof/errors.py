"""The base of the errors that pinproof raises, each with the remedy in its message."""

from modelseal.errors import RemedyError


class PinproofError(RemedyError):
    """A repository, an environment or a proof failed."""
