"""Open a sealed model, or refuse it.

The order is the point: nothing is unpickled before the manifest, every file and the running
environment have been checked, and nothing is served before known inputs gave known outputs.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.version import Version

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
from modelseal.series import compatible_releases

__all__ = ["OpenedModel", "check_environment", "load_predictor", "open_sealed"]


@dataclass(frozen=True)
class OpenedModel:
    """A sealed model that was proven in this process.

    Attributes:
        predictor: What the model's loader made of its verified files.
        manifest: What the model says of itself.
        sha256: The SHA-256 of the manifest, which pins the whole model.
        running: The guarded distributions by name, with the versions that run here.
    """

    predictor: Predictor
    manifest: Manifest
    sha256: str
    running: Mapping[str, str]


def open_sealed(
    directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
) -> OpenedModel:
    """Verify, load and prove a sealed model, in this order.

    1. Where signers are given, one of them signed the manifest, and the signature is valid now.
    2. The manifest parses and is of a known format; it and every file have the digests that they
       should have.
    3. Python's minor version is the writer's, and every guarded distribution that runs is a
       compatible release of the writer's: the same series, and not older.
    4. The files load.
    5. The golden inputs give the golden outputs within their tolerances, and outputs that are
       the same answer by different paths agree.

    Args:
        directory: The folder that `modelseal.seal` wrote.
        expected_sha256: The SHA-256 that the manifest must have, where the deployment pins one.
        signers: Public keys, ``ed25519:BASE64``, of which one must have signed the model; empty
            where no signature is asked for.

    Returns:
        The opened model.

    Raises:
        SealedModelError: The model is refused; each reason is a class of its own (see
            `modelseal.errors`), and its message carries the remedy.
        PublicKeyError: A signer's key is no public key.
    """
    manifest, sha256 = read_manifest(directory, expected_sha256=expected_sha256, signers=signers)
    files = read_files(directory, manifest)
    running = check_environment(manifest)
    predictor = load_predictor(manifest.loader, files)
    _check_golden(manifest, predictor)
    return OpenedModel(predictor, manifest, sha256, running)


def check_environment(manifest: Manifest) -> dict[str, str]:
    """Check that this environment is one that the model was proven in.

    Returns:
        The guarded distributions by name, with the versions that run here.

    Raises:
        PythonMismatchError: Another minor version of Python runs.
        MissingDistributionError: A guarded distribution is not installed.
        SeriesMismatchError: A guarded distribution runs in another series.
        OlderThanWriterError: A guarded distribution is older than the writer's.
    """
    running_python = platform.python_version()
    if _minor(running_python) != _minor(manifest.python):
        raise PythonMismatchError(
            f"The model was written by Python {manifest.python}; this is Python {running_python}.",
            remedy=f"Serve it with Python {_minor(manifest.python)}, or train it again here.",
        )
    running = {name: _running_version(name, written) for name, written in manifest.guarded.items()}
    refusals = [
        refusal
        for name, written in manifest.guarded.items()
        if (refusal := _refusal(name, written, running[name])) is not None
    ]
    if refusals:
        # The worst first: another series says more than an older patch.
        refusals.sort(key=lambda refusal: isinstance(refusal, OlderThanWriterError))
        raise refusals[0]
    return running


def load_predictor(loader: str, files: Mapping[str, bytes]) -> Predictor:
    """Make a predictor of verified files.

    Args:
        loader: The name of a registered loader.
        files: The verified contents by file name.

    Raises:
        LoaderNotFoundError: No installed distribution registers the loader.
        LoaderImportError: The loader cannot be imported.
        UnsafePickleError: A file is a pickle that does more than the service's list admits.
        LoadError: The loader raised something else.
    """
    load = find_loader(loader)
    try:
        return load(files)
    except UnsafePickleError:
        raise
    except Exception as error:
        raise LoadError(
            f"The model's files are intact but do not load: {type(error).__name__}: {error}.",
            remedy="Install the versions that the manifest records, or train the model again.",
        ) from error


def _check_golden(manifest: Manifest, predictor: Predictor) -> None:
    try:
        answers = predictor.replay(manifest.golden.inputs)
    except Exception as error:
        raise PredictError(
            f"The model loads, but predicting its golden inputs fails: "
            f"{type(error).__name__}: {error}.",
            remedy="Install the versions that the manifest records, or train the model again.",
        ) from error
    moved = differences(manifest.golden, answers)
    if moved:
        raise GoldenMismatchError(
            f"The model does not answer what it answered when it was sealed: {'; '.join(moved)}.",
            remedy="Do not serve it. Install the versions that the manifest records, or train and "
            "seal the model again where it is served.",
        )
    # Golden outputs that agree, each within its tolerance, may still disagree now; and a model that
    # another tool wrote may never have agreed.
    if apart := disagreements(manifest.golden, answers):
        raise PathDisagreementError(
            f"The model's paths disagree about the same answer: {'; '.join(apart)}.",
            remedy="Do not serve it. Make the paths compute the same answer, then train and seal "
            "the model again.",
        )


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


def _running_version(name: str, written: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError as error:
        raise MissingDistributionError(
            f"The model's predictions depend on {name} {written}, which is not installed.",
            remedy="Install the service's requirements-prod.txt as it stands.",
        ) from error


def _refusal(name: str, written: str, running: str) -> SealedModelError | None:
    writer, runner = Version(written), Version(running)
    admitted = compatible_releases(writer)
    if admitted.contains(runner):
        return None
    if compatible_releases(runner).contains(writer):
        return OlderThanWriterError(
            f"The model was written by {name} {written}; {running}, which runs here, is older.",
            remedy=f"Install {name}{admitted}: what trained a model may be no newer than what "
            "serves it.",
        )
    return SeriesMismatchError(
        f"The model was written by {name} {written}; {running}, which runs here, is of another "
        "series.",
        remedy=f"Install {name}{admitted}, or train the model again under {name} {running}.",
    )
