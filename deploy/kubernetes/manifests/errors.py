"""Errors of the commands."""

__all__ = ["ManifestsError", "ReleaseError", "RenderError"]


class ManifestsError(Exception):
    """Unusable input; the message has the remedy."""


class ReleaseError(ManifestsError):
    """The release file is incomplete or has unknown entries."""


class RenderError(ManifestsError):
    """kubectl is not installed or cannot build the overlay."""
