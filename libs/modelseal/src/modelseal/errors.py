"""Errors of sealed models and their delivery. Each carries the remedy in its message."""

from typing import ClassVar

__all__ = [
    "BadSignatureError",
    "DeliveryError",
    "FileDigestError",
    "GoldenMismatchError",
    "LoadError",
    "LoaderImportError",
    "LoaderNotFoundError",
    "ManifestDigestError",
    "ManifestError",
    "MissingDistributionError",
    "ModelsealError",
    "OlderThanWriterError",
    "PathDisagreementError",
    "PathError",
    "PredictError",
    "PublicKeyError",
    "PythonMismatchError",
    "RemedyError",
    "SealError",
    "SealedModelError",
    "SeriesMismatchError",
    "SignatureExpiredError",
    "SigningError",
    "UnknownSignerError",
    "UnreachableError",
    "UnsafePickleError",
    "UnsignedError",
]


class RemedyError(Exception):
    """An error with a remedy in its message: the base of every error that these libraries raise.

    Attributes:
        message: What is wrong and where, as a sentence.
        remedy: What to do about it, as a sentence.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class ModelsealError(RemedyError):
    """A sealed model, its signature or its delivery failed."""


class SealError(ModelsealError):
    """A model could not be sealed; nothing was written to the destination."""


class SigningError(ModelsealError):
    """A model could not be signed; nothing was written."""


class PublicKeyError(ModelsealError):
    """The text is no public key of a signer, or the key is a weak one."""


class PathError(ModelsealError):
    """A path that a command was given cannot be used."""


class DeliveryError(ModelsealError):
    """A sealed model could not be fetched or pushed; what was there before is as it was."""


class UnreachableError(DeliveryError):
    """A bucket does not answer now, but may later."""


class SealedModelError(ModelsealError):
    """A sealed model was refused.

    Attributes:
        code: A short, stable name of the reason, for metrics, problem types and reports.
    """

    code: ClassVar[str] = "refused"


class ManifestError(SealedModelError):
    """The manifest is missing, is not valid, or is of an unknown format."""

    code = "manifest"


class ManifestDigestError(SealedModelError):
    """The manifest is not the one that was expected, or changed after sealing."""

    code = "manifest-digest"


class FileDigestError(SealedModelError):
    """A file of the model is missing or is not the one that was sealed."""

    code = "file-digest"


class UnsignedError(SealedModelError):
    """The deployment wants a signed model, and this one has no signature."""

    code = "unsigned"


class UnknownSignerError(SealedModelError):
    """The model is signed, but by none of the keys that the deployment names."""

    code = "unknown-signer"


class BadSignatureError(SealedModelError):
    """The signature is damaged, is no signature, or is that of another model."""

    code = "bad-signature"


class SignatureExpiredError(SealedModelError):
    """The signature is right, but its time is over."""

    code = "signature-expired"


class PythonMismatchError(SealedModelError):
    """Another Python minor version runs than the one that wrote the model."""

    code = "python"


class MissingDistributionError(SealedModelError):
    """A distribution that the model's predictions depend on is not installed."""

    code = "missing-distribution"


class SeriesMismatchError(SealedModelError):
    """A guarded distribution runs in another series than the one that wrote the model."""

    code = "series"


class OlderThanWriterError(SealedModelError):
    """A guarded distribution is of the right series but older than the writer's."""

    code = "older-than-writer"


class LoaderNotFoundError(SealedModelError):
    """No installed distribution registers the loader that the manifest names."""

    code = "loader-not-found"


class LoaderImportError(SealedModelError):
    """The loader's module cannot be imported in this environment."""

    code = "import"


class LoadError(SealedModelError):
    """The loader raised while it made a predictor of the verified files."""

    code = "load"


class UnsafePickleError(SealedModelError):
    """A file of the model is a pickle that does more than the service's list admits."""

    code = "unsafe-pickle"


class PredictError(SealedModelError):
    """The model loads, but predicting its golden inputs raises."""

    code = "predict"


class GoldenMismatchError(SealedModelError):
    """The model loads and predicts, but not what it predicted when it was sealed."""

    code = "golden"


class PathDisagreementError(SealedModelError):
    """Outputs that were declared to be the same answer differ beyond their tolerance."""

    code = "paths"
