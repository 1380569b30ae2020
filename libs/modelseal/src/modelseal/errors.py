"""Errors of sealed models and their delivery. Each message ends with the remedy."""

from typing import ClassVar


class RemedyError(Exception):
    """An error whose message ends with a remedy: the base of all errors of these libraries.

    Attributes:
        message: What is wrong and where, as a sentence.
        remedy: How to solve it, as a sentence.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class SealError(RemedyError):
    """A model could not be sealed. Nothing was written to the destination."""


class SigningError(RemedyError):
    """A model could not be signed. Nothing was written."""


class PublicKeyError(RemedyError):
    """The text is not a public key of a signer, or the key is weak."""


class PathError(RemedyError):
    """A path that was given to a command cannot be used."""


class DeliveryError(RemedyError):
    """A sealed model could not be fetched or pushed. The destination is unchanged."""


class UnreachableError(DeliveryError):
    """A bucket does not answer now, but may later."""


class SealedModelError(RemedyError):
    """A sealed model was refused.

    Attributes:
        code: A short, stable name of the reason, for metrics, problem types and reports.
    """

    code: ClassVar[str] = "refused"


class ManifestError(SealedModelError):
    """The manifest is missing, is not valid, or has an unknown format."""

    code = "manifest"


class ManifestDigestError(SealedModelError):
    """The manifest is not the expected one, or changed after sealing."""

    code = "manifest-digest"


class FileDigestError(SealedModelError):
    """A file of the model is missing or is not the one that was sealed."""

    code = "file-digest"


class UnsignedError(SealedModelError):
    """The deployment requires a signature, and the model has none."""

    code = "unsigned"


class UnknownSignerError(SealedModelError):
    """The model was signed with a key that the deployment does not accept."""

    code = "unknown-signer"


class BadSignatureError(SealedModelError):
    """The signature is damaged or not valid, or belongs to another model."""

    code = "bad-signature"


class SignatureExpiredError(SealedModelError):
    """The signature is valid, but has expired."""

    code = "signature-expired"


class PythonMismatchError(SealedModelError):
    """The running minor version of Python is not the one that sealed the model."""

    code = "python"


class MissingDistributionError(SealedModelError):
    """A distribution that the model's predictions depend on is not installed."""

    code = "missing-distribution"


class SeriesMismatchError(SealedModelError):
    """A guarded distribution is of another release series than when the model was sealed."""

    code = "series"


class OlderThanWriterError(SealedModelError):
    """A guarded distribution is older than when the model was sealed."""

    code = "older-than-writer"


class LoaderNotFoundError(SealedModelError):
    """No installed distribution registers the loader that the manifest names."""

    code = "loader-not-found"


class LoaderImportError(SealedModelError):
    """The loader's module cannot be imported in this environment."""

    code = "import"


class LoadError(SealedModelError):
    """The loader raised an error on the verified files."""

    code = "load"


class UnsafePickleError(SealedModelError):
    """A pickle in the model names, makes or calls something that the service does not allow."""

    code = "unsafe-pickle"


class PredictError(SealedModelError):
    """The model loads, but predicting its golden inputs raises an error."""

    code = "predict"


class GoldenMismatchError(SealedModelError):
    """The model loads, but its answers to the golden inputs have changed."""

    code = "golden"


class PathDisagreementError(SealedModelError):
    """Outputs that were declared to be the same answer differ by more than their tolerance."""

    code = "paths"
