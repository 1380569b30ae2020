"""Open a sealed model, or refuse it.

The order of the checks is essential: no file is loaded before the manifest, all files and the
environment are verified, and no model is returned before its golden predictions are reproduced.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.version import Version

from modelseal.compatible_releases import compatible_releases
from modelseal.errors import (
    GoldenMismatchError,
    LoadError,
    MissingDistributionError,
    OlderThanWriterError,
    PathDisagreementError,
    PredictError,
    PythonMismatchError,
    SealedModelError,
    SeriesMismatchError,
    UnsafePickleError,
)
from modelseal.golden import differences, disagreements
from modelseal.loaders import Predictor, find_loader
from modelseal.manifest import Manifest, read_manifest
from modelseal.model_files import read_files

__all__ = ["OpenedModel", "check_environment", "load_predictor", "open_sealed"]


_RECORDED_VERSIONS = "Install the versions that the manifest records, or train the model again."


@dataclass(frozen=True)
class OpenedModel:
    """A sealed model that passed all checks in this process.

    Attributes:
        predictor: The predictor that the loader made from the verified files.
        manifest: The manifest.
        sha256: SHA-256 of the manifest, which identifies every byte of the model.
        running: Installed versions of the guarded distributions by name.
    """

    predictor: Predictor
    manifest: Manifest
    sha256: str
    running: Mapping[str, str]


def open_sealed(
    directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
) -> OpenedModel:
    """Verify a sealed model, load it and check its predictions, in this order.

    1. If signers are given, one of them signed the manifest, and the signature has not expired.
    2. The manifest is valid and has a known format. The manifest and every file have the expected
       digests.
    3. Python has the minor version that sealed the model, and every guarded distribution is a
       compatible release of the version that sealed the model: same series, not older.
    4. The files load.
    5. The golden inputs give the golden outputs within their tolerances, and outputs that are
       the same answer by different code paths agree.

    Args:
        directory: The folder that `modelseal.seal` wrote.
        expected_sha256: SHA-256 that the manifest must have; None for any.
        signers: Public keys, ``ed25519:BASE64``. One of them must have signed the model. If empty,
            no signature is required.

    Raises:
        SealedModelError: The model is refused. Each reason is a class of its own (see
            `modelseal.errors`), and its message ends with the remedy.
        PublicKeyError: A signer's key is not a public key.
    """
    manifest, sha256 = read_manifest(directory, expected_sha256=expected_sha256, signers=signers)
    files = read_files(directory, manifest)
    running = check_environment(manifest)
    predictor = load_predictor(manifest.loader, files)
    _check_golden(manifest, predictor)
    return OpenedModel(predictor, manifest, sha256, running)


def check_environment(manifest: Manifest) -> dict[str, str]:
    """Check that this environment is compatible with the one that sealed the model.

    Returns:
        Installed versions of the guarded distributions by name.

    Raises:
        PythonMismatchError: The minor version of Python is another.
        MissingDistributionError: A guarded distribution is not installed.
        SeriesMismatchError: The version of a guarded distribution is of another series.
        OlderThanWriterError: A guarded distribution is older than when the model was sealed.
    """
    running_python = platform.python_version()
    if _minor(running_python) != _minor(manifest.python):
        raise PythonMismatchError(
            f"The model was written by Python {manifest.python}; this is Python {running_python}.",
            remedy=f"Serve it with Python {_minor(manifest.python)}, or train it again here.",
        )
    running = {}
    for name, written in manifest.guarded.items():
        try:
            running[name] = version(name)
        except PackageNotFoundError as error:
            raise MissingDistributionError(
                f"The model's predictions depend on {name} {written}, which is not installed.",
                remedy="Install the service's requirements-prod.txt unchanged.",
            ) from error
    refusals = [
        refusal
        for name, written in manifest.guarded.items()
        if (refusal := _refusal(name, written, running[name])) is not None
    ]
    if refusals:
        # Another series is a more serious reason than an older patch.
        raise min(refusals, key=lambda refusal: isinstance(refusal, OlderThanWriterError))
    return running


def load_predictor(loader: str, files: Mapping[str, bytes]) -> Predictor:
    """Make a predictor from verified files.

    Args:
        loader: Name of a registered loader.
        files: Verified contents by file name.

    Raises:
        LoaderNotFoundError: No installed distribution registers the loader.
        LoaderImportError: The loader cannot be imported.
        UnsafePickleError: A pickle does something that the service does not allow.
        LoadError: The loader raised another error.
    """
    load = find_loader(loader)
    try:
        return load(files)
    except UnsafePickleError:
        raise
    except Exception as error:
        raise LoadError(
            f"The model's files are intact but do not load: {type(error).__name__}: {error}.",
            remedy=_RECORDED_VERSIONS,
        ) from error


def _check_golden(manifest: Manifest, predictor: Predictor) -> None:
    try:
        answers = predictor.replay(manifest.golden.inputs)
    except Exception as error:
        raise PredictError(
            "The model loads, but predicting its golden inputs fails: "
            f"{type(error).__name__}: {error}.",
            remedy=_RECORDED_VERSIONS,
        ) from error
    if different := differences(manifest.golden, answers):
        raise GoldenMismatchError(
            "The model does not answer what it answered when it was sealed: "
            f"{'; '.join(different)}.",
            remedy="Do not serve it. Install the versions that the manifest records, or train and "
            "seal the model again in the environment that serves it.",
        )
    # Sealing compares the golden outputs with each other, but the answers differ from them within
    # the tolerances, and another tool may have written the manifest.
    if different := disagreements(manifest.golden, answers):
        raise PathDisagreementError(
            f"The model's paths disagree about the same answer: {'; '.join(different)}.",
            remedy="Do not serve it. Make the paths compute the same answer, then train and seal "
            "the model again.",
        )


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


def _refusal(name: str, written: str, running: str) -> SealedModelError | None:
    compatible = compatible_releases(Version(written))
    if compatible.contains(Version(running)):
        return None
    if compatible_releases(Version(running)).contains(Version(written)):
        return OlderThanWriterError(
            f"The model was written by {name} {written}; {running}, which runs here, is older.",
            remedy=f"Install {name}{compatible}: a model must not be served with older versions "
            "than it was trained with.",
        )
    return SeriesMismatchError(
        f"The model was written by {name} {written}; {running}, which runs here, is of another "
        "series.",
        remedy=f"Install {name}{compatible}, or train the model again with {name} {running}.",
    )
