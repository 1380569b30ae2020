"""What the commands of every service do with sealed models: open their own, and seal elsewhere."""

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
        sha256: What the SHA-256 of its manifest must be, where that is known.
        signers: Public keys, of which one must have signed it; None or empty where no signature is
            asked for.
        name: The name that this service's models have.
        kind: The class of its predictor.

    Raises:
        SealedModelError: It is refused.
        DataError: It is a model of another service, which is known before it is opened, because
            that may take what only that service has installed; or its folder cannot be searched.
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
    """Refuse the folder of a model that cannot be searched; whether a model is in it is not asked.

    Raises:
        DataError: It cannot be searched.
    """
    from modelseal.manifest import MANIFEST_NAME  # noqa: PLC0415

    with read_errors(folder):
        kind_of(folder / MANIFEST_NAME)


def sealed_text(manifest: "Manifest", out: Path) -> str:
    """What a training says of the model that it sealed.

    The digest is printed where the model was trained, so that it can reach a deployment by another
    way than the model: computed from the folder that is served, it would verify nothing.

    Args:
        manifest: What `modelseal.seal` returned.
        out: The folder that it was sealed into.
    """
    from modelseal.manifest import manifest_digest  # noqa: PLC0415

    return (
        f"Sealed {manifest.name} {manifest.version} in {out}\n"
        f"MODEL_SHA256={manifest_digest(manifest)}"
    )


def check_places(out: Path, reports: Path, check_reports: Callable[[Path], None]) -> None:
    """Refuse places that cannot be written, before a training for nothing.

    Args:
        out: Where the model shall be sealed.
        reports: Where the report shall be written.
        check_reports: Checks that it could be written there.

    Raises:
        DataError: The report or the model cannot be written, or the report lies in the model's
            folder.
        SealError: The model's folder holds something else.
    """
    from modelseal.errors import SealError  # noqa: PLC0415
    from modelseal.sealing import check_destination  # noqa: PLC0415

    for place in (out, reports):
        with write_errors(place):
            kind_of(place)
    if reports.resolve().is_relative_to(out.resolve()):
        raise DataError(
            f"The report's folder {reports} lies in the model's folder {out}, which holds what "
            "was sealed and nothing else. Give another folder to --reports."
        )
    try:
        check_destination(out)
    except SealError as error:
        # A place that cannot be written is an unusable input, not a model that cannot be sealed.
        if isinstance(error.__cause__, OSError):
            raise DataError(str(error)) from error
        raise
    check_reports(reports)
