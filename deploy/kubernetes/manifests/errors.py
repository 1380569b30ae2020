"""What goes wrong outside the manifests themselves."""

__all__ = ["ManifestsError", "ReleaseError", "RenderError"]


class ManifestsError(Exception):
    """Input that cannot be used; the message says what to do."""


class ReleaseError(ManifestsError):
    """The release file is missing something, or has something that is unknown."""


class RenderError(ManifestsError):
    """kubectl is not there, or cannot build the overlay."""
