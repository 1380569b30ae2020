"""Sealed models in commands: open a service's own, and check where one is sealed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from modelseal import Manifest, OpenedModel, SealError, open_sealed
from modelseal.manifest import MANIFEST_NAME, manifest_digest, read_manifest
from modelseal.path_errors import path_errors
from modelseal.path_kinds import kind_of
from modelseal.sealing import check_destination

from servicekit.files import DataError, write_errors

__all__ = ["check_model", "check_outputs", "open_model", "read_own_manifest", "sealed_message"]

K = TypeVar("K")


def check_model(folder: Path) -> None:
    """Check that the folder of a sealed model can be searched.

    Raises:
        PathError: It cannot. A missing folder is refused where the manifest is read.
    """
    with path_errors():
        kind_of(folder / MANIFEST_NAME)


def open_model(
    folder: Path,
    sha256: str | None,
    signers: Sequence[str] | None,
    *,
    name: str,
    kind: type[K],
) -> tuple[OpenedModel, K]:
    """Open a sealed model of this service.

    Args:
        folder: The sealed model.
        sha256: SHA-256 that its manifest must have; None if any is accepted.
        signers: Public keys, of which one must have signed it; None or empty if no signature is
            required.
        name: Name of this service's models.
        kind: Class of its predictor.

    Raises:
        SealedModelError: It is refused.
        DataError: It is a model of another service. This is checked before opening, which may need
            that service's libraries.
        PathError: Its folder cannot be searched.
    """
    signers = tuple(signers or ())
    manifest = read_own_manifest(folder, sha256, signers, name=name)
    opened = open_sealed(folder, expected_sha256=sha256, signers=signers)
    if not isinstance(opened.predictor, kind):
        raise _other_model(folder, manifest, name)
    return opened, opened.predictor


def read_own_manifest(
    folder: Path, sha256: str | None = None, signers: Sequence[str] = (), *, name: str
) -> Manifest:
    """Read the manifest of a sealed model of this service.

    Args:
        folder: The sealed model.
        sha256: As for `open_model`; likewise the others.
        signers: Public keys.
        name: Name of this service's models.

    Raises:
        SealedModelError: It is refused.
        DataError: It is a model of another service.
        PathError: Its folder cannot be searched.
    """
    check_model(folder)
    manifest, _ = read_manifest(folder, expected_sha256=sha256, signers=signers)
    if manifest.name != name:
        raise _other_model(folder, manifest, name)
    return manifest


def _other_model(folder: Path, manifest: Manifest, name: str) -> DataError:
    return DataError(
        f"{folder} holds the model {manifest.name!r} of the loader {manifest.loader!r}, which is "
        f"not one of {name}. Give the folder that `train` wrote."
    )


def sealed_message(manifest: Manifest, out: Path) -> str:
    """The message of a training that sealed a model, with the digest of the model.

    The digest is printed where the model was trained, so that it reaches a deployment on another
    way than the model. Computed from the folder that is served, it would verify nothing.

    Args:
        manifest: The manifest that `modelseal.seal` returned.
        out: Folder of the sealed model.
    """
    return (
        f"Sealed {manifest.name} {manifest.version} in {out}\n"
        f"MODEL_SHA256={manifest_digest(manifest)}"
    )


def check_outputs(out: Path, reports: Path, check_reports: Callable[[Path], None]) -> None:
    """Check that a training can write its outputs, before it starts.

    Args:
        out: Folder for the sealed model.
        reports: Folder for the report.
        check_reports: Checks that the report can be written there.

    Raises:
        DataError: The report or the model cannot be written, or the report lies in the model's
            folder.
        SealError: The model's folder contains something else.
    """
    for place in (out, reports):
        with write_errors(place):
            kind_of(place)
    if reports.resolve().is_relative_to(out.resolve()):
        raise DataError(
            f"The report's folder {reports} lies in the model's folder {out}, which contains "
            "the sealed files only. Give another folder to --reports."
        )
    try:
        check_destination(out)
    except SealError as error:
        # A folder that cannot be written is an unusable input, not a model that cannot be sealed.
        if isinstance(error.__cause__, OSError):
            raise DataError(str(error)) from error
        raise
    check_reports(reports)
