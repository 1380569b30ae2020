"""Sealed models in commands: open a service's own, and check where one is sealed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from modelseal.paths import kind_of

from servicekit.files import DataError, read_errors, write_errors

if TYPE_CHECKING:
    from modelseal import Manifest, OpenedModel

__all__ = ["check_model", "check_places", "open_model", "sealed_text"]

K = TypeVar("K")


def open_model(
    folder: Path,
    sha256: str | None,
    signers: Sequence[str] | None,
    *,
    name: str,
    kind: type[K],
) -> "tuple[OpenedModel, K]":
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
        DataError: It is a model of another service, or its folder cannot be searched. The former
            is checked before opening, which may need that service's libraries.
    """
    from modelseal import open_sealed  # noqa: PLC0415 - --help need not wait for it
    from modelseal.manifest import read_manifest  # noqa: PLC0415

    check_model(folder)
    signers = tuple(signers or ())
    manifest, _ = read_manifest(folder, expected_sha256=sha256, signers=signers)
    if manifest.name == name:
        opened = open_sealed(folder, expected_sha256=sha256, signers=signers)
        if isinstance(opened.predictor, kind):
            return opened, opened.predictor
    raise DataError(
        f"{folder} holds the model {manifest.name!r} of the loader {manifest.loader!r}, which is "
        f"not one of {name}. Give the folder that `train` wrote."
    )


def check_model(folder: Path) -> None:
    """Check that the folder of a model can be searched, but not whether a model is in it.

    Raises:
        DataError: It cannot be searched.
    """
    from modelseal.manifest import MANIFEST_NAME  # noqa: PLC0415

    with read_errors(folder):
        kind_of(folder / MANIFEST_NAME)


def sealed_text(manifest: "Manifest", out: Path) -> str:
    """The message of a training that sealed a model, with the digest of the model.

    The digest is printed where the model was trained, so that it reaches a deployment on another
    way than the model. Computed from the folder that is served, it would verify nothing.

    Args:
        manifest: The manifest that `modelseal.seal` returned.
        out: Folder of the sealed model.
    """
    from modelseal.manifest import manifest_digest  # noqa: PLC0415

    return (
        f"Sealed {manifest.name} {manifest.version} in {out}\n"
        f"MODEL_SHA256={manifest_digest(manifest)}"
    )


def check_places(out: Path, reports: Path, check_reports: Callable[[Path], None]) -> None:
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
    from modelseal.errors import SealError  # noqa: PLC0415
    from modelseal.sealing import check_destination  # noqa: PLC0415

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
