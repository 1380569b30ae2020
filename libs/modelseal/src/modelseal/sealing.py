"""Seal a model: its files, what wrote them, and what they answered."""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from modelseal.errors import SealError
from modelseal.folders import holds_only_a_model, write_durably
from modelseal.golden import GoldenSet, GoldenValue, differences, disagreements
from modelseal.manifest import (
    MANIFEST_NAME,
    FileName,
    Manifest,
    encode_manifest,
)
from modelseal.paths import follow, kind_of, make_folder
from modelseal.probe import ProbeReport, ProbeRequest
from modelseal.signature import SIGNATURE_NAME
from modelseal.temporaries import Temporary

__all__ = ["check_destination", "seal"]

PROBE_TIMEOUT_S = 900


def seal(
    destination: Path,
    *,
    name: str,
    version: str,
    loader: str,
    files: Mapping[str, bytes],
    golden: GoldenSet,
    data: Mapping[str, JsonValue],
    metrics: Mapping[str, float],
    parameters: Mapping[str, JsonValue],
) -> Manifest:
    """Seal a model into a folder.

    Outputs that the golden set declares to be the same answer must agree, or nothing is written.
    The files are written beside the destination; a fresh process loads them, predicts the golden
    inputs, and must answer what the caller says the model in memory answered. The distributions
    that this took become the guarded ones. Only then is the destination replaced, whole.

    Args:
        destination: The folder to write, or a link to it. A sealed model that is there is
            replaced; any other folder is left alone.
        name: The model's name.
        version: The model's version.
        loader: The name in the entry point group ``modelseal.loaders`` that loads these files.
        files: The contents of the model's files by name (letters, digits, ``.``, ``_``, ``-``).
        golden: Inputs, what the model in memory answered to them, and the tolerances.
        data: What the model was trained on, with a fingerprint.
        metrics: How good it was found to be.
        parameters: What it was trained with.

    Returns:
        The manifest that was written.

    Raises:
        SealError: The model cannot be sealed; the destination is as it was before.
    """
    _check_files(files)
    _check_agreements(golden, golden.outputs)
    check_destination(destination)
    try:
        with Temporary(follow(destination)) as staging:
            folder = staging.path
            folder.mkdir(0o700)
            for file, contents in files.items():
                write_durably(folder / file, contents)
            report = _probe(
                ProbeRequest(loader=loader, files=tuple(files), inputs=golden.inputs), folder
            )
            _check_report(report, golden)
            manifest = _manifest(
                report,
                files,
                name=name,
                version=version,
                loader=loader,
                golden=golden,
                data=data,
                metrics=metrics,
                parameters=parameters,
            )
            write_durably(folder / MANIFEST_NAME, _encode(manifest))
            # A model is read by other users than who wrote it.
            folder.chmod(0o755)
            staging.put_folder()
    except OSError as error:
        raise _cannot_write(destination, error) from error
    return manifest


def _check_files(files: Mapping[str, bytes]) -> None:
    # Before anything is written: a name such as ../x would leave the folder.
    if SIGNATURE_NAME in files:
        raise SealError(
            f"The model's files cannot be sealed: {SIGNATURE_NAME} is the name of its signature.",
            remedy="Give the file another name.",
        )
    try:
        TypeAdapter(Annotated[dict[FileName, bytes], Field(min_length=1)]).validate_python(files)
    except ValidationError as error:
        raise SealError(
            f"The model's files cannot be sealed: {error.errors()[0]['msg']}.",
            remedy="Seal at least one file, under a plain name.",
        ) from error


def check_destination(destination: Path) -> None:
    """Check that a model could be sealed into a folder, before the work of training one.

    Raises:
        SealError: Something that is no sealed model stands there, or it cannot be written.
    """
    try:
        place = follow(destination)
        if kind_of(place) is not None and not holds_only_a_model(place):
            raise SealError(
                f"{destination} exists and is not a sealed model, or holds other files, too.",
                remedy="Give a folder that does not exist, or a sealed model to replace.",
            )
        make_folder(place.parent)
        with Temporary(place) as staging:
            staging.path.mkdir()
    except OSError as error:
        raise _cannot_write(destination, error) from error


def _cannot_write(destination: Path, error: OSError) -> SealError:
    return SealError(
        f"{destination} cannot be written: {error.strerror or error}.",
        remedy="Make room, or give a folder that this user may write to.",
    )


def _probe(request: ProbeRequest, model: Path) -> ProbeReport:
    with tempfile.TemporaryDirectory(prefix="modelseal-probe-") as folder:
        question, answer = Path(folder) / "request.json", Path(folder) / "report.json"
        question.write_text(request.model_dump_json(), encoding="utf-8")
        try:
            # -P: the model must load from what is installed, not from the current folder.
            process = subprocess.run(  # noqa: S603 - this interpreter, and paths of our own
                [sys.executable, "-P", "-m", "modelseal.probe", model, question, answer],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PROBE_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SealError(
                f"The fresh process did not load the model and predict within {PROBE_TIMEOUT_S} s.",
                remedy="Use fewer golden inputs.",
            ) from error
        if process.returncode != 0:
            raise SealError(
                f"The fresh process that loads the model ended with {process.returncode}: "
                f"{process.stderr.strip()[-2000:]}.",
                remedy="Mend what its message says.",
            )
        return ProbeReport.model_validate_json(answer.read_bytes())


def _check_report(report: ProbeReport, golden: GoldenSet) -> None:
    if report.refusal is not None:
        raise SealError(
            f"The model does not work in a fresh process. {report.refusal}",
            remedy="A model may hold only what its loader can import: no functions of a notebook "
            "or of __main__.",
        )
    moved = differences(golden, report.outputs)
    if moved:
        raise SealError(
            f"The model answers differently in a fresh process: {'; '.join(moved)}.",
            remedy="Look for state that is not in the files: random numbers, the clock, the "
            "environment, or a loader that builds something other than what was trained.",
        )
    _check_agreements(golden, report.outputs)


def _check_agreements(golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]) -> None:
    if apart := disagreements(golden, answers):
        raise SealError(
            f"The model's paths disagree about the same answer: {'; '.join(apart)}.",
            remedy="Make the paths compute the same answer: look for columns in another order, "
            "another encoding or another default on one of them. Nothing was written.",
        )


def _manifest(report: ProbeReport, files: Mapping[str, bytes], **fields: object) -> Manifest:
    try:
        return Manifest.unsealed(
            created=datetime.now(UTC).replace(microsecond=0),
            git_commit=_git_commit(report.source),
            python=platform.python_version(),
            platform=platform.platform(),
            files={
                name: {"sha256": hashlib.sha256(contents).hexdigest(), "size": len(contents)}
                for name, contents in files.items()
            },
            environment={
                name: {"version": version, "guarded": name in report.guarded}
                for name, version in sorted(report.environment.items())
            },
            **fields,
        )
    except ValidationError as error:
        raise SealError(
            f"The model cannot be described: {error}.", remedy="Mend the fields that are named."
        ) from error


def _encode(manifest: Manifest) -> bytes:
    try:
        return encode_manifest(manifest)
    except ValueError as error:
        raise SealError(
            f"The model cannot be described as JSON: {error}.",
            remedy="Leave NaN, infinities and text that is not UTF-8, such as some names of files, "
            "out of data, parameters and golden inputs.",
        ) from error


def _git_commit(source: Path | None) -> str | None:
    """The commit of the repository that a file is tracked in; ``-dirty`` if there are changes.

    None for code that was installed from a wheel: whatever repository the environment may lie
    in, it did not write the model.
    """
    git = shutil.which("git")
    if git is None or source is None:
        return None
    in_repository = [git, "-C", str(source.parent)]
    tracked = subprocess.run(  # noqa: S603 - a fixed command
        [*in_repository, "ls-files", "--error-unmatch", source.name],
        capture_output=True,
        check=False,
    )
    if tracked.returncode != 0:
        return None
    described = subprocess.run(  # noqa: S603 - a fixed command
        [*in_repository, "describe", "--always", "--dirty", "--abbrev=40", "--match", ""],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or None
