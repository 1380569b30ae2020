"""Seal a model: its files, the environment that wrote them, and its golden predictions."""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from modelseal.errors import SealError
from modelseal.golden import GoldenSet, GoldenValue, differences, disagreements
from modelseal.manifest import MANIFEST_NAME, FileName, Manifest, encode_manifest
from modelseal.model_files import holds_only_a_model, write_durably
from modelseal.path_kinds import follow, kind_of, make_folder
from modelseal.probe import ProbeReport, ProbeRequest
from modelseal.records import first_error
from modelseal.signature import SIGNATURE_NAME
from modelseal.temporary_outputs import Temporary

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

    Outputs that the golden set declares to be the same answer must agree. The files are written to
    a temporary folder. A fresh process loads them and predicts the golden inputs, and must give
    the golden outputs. The distributions that it imports for that become the guarded ones. Then
    the folder replaces the destination in one step.

    Args:
        destination: The folder to write, or a link to it. Only a sealed model is replaced.
        name: Name of the model.
        version: Version of the model.
        loader: Name of the loader in the entry point group ``modelseal.loaders``.
        files: Contents of the model's files by name (letters, digits, ``.``, ``_``, ``-``).
        golden: Inputs, the outputs of the model in memory, and tolerances.
        data: Description of the training data, with a fingerprint.
        metrics: Quality of the model, one number for each metric.
        parameters: Training parameters.

    Returns:
        The manifest that was written.

    Raises:
        SealError: The model cannot be sealed. The destination is unchanged.
    """
    _check_files(files)
    _check_agreements(golden, golden.outputs)
    check_destination(destination)
    try:
        with Temporary(follow(destination)) as temporary:
            folder = temporary.path
            folder.mkdir(0o700)
            for file, contents in files.items():
                write_durably(folder / file, contents)
            request = ProbeRequest(loader=loader, files=tuple(files), inputs=golden.inputs)
            report = _probe(request, folder)
            _check_report(report, golden)
            manifest, encoded = _describe(
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
            write_durably(folder / MANIFEST_NAME, encoded)
            # The user that serves the model is not always the one that trained it.
            folder.chmod(0o755)
            temporary.put_folder()
    except OSError as error:
        raise _cannot_write(destination, error) from error
    return manifest


def _check_files(files: Mapping[str, bytes]) -> None:
    # Before anything is written: a name such as ../x is outside the folder.
    if SIGNATURE_NAME in files:
        raise SealError(
            f"The model's files cannot be sealed: {SIGNATURE_NAME} is the name of its signature.",
            remedy="Give the file another name.",
        )
    try:
        TypeAdapter(Annotated[dict[FileName, bytes], Field(min_length=1)]).validate_python(files)
    except ValidationError as error:
        raise SealError(
            f"The model's files cannot be sealed: {first_error(error)}.",
            remedy="Seal at least one file, under a plain name.",
        ) from error


def check_destination(destination: Path) -> None:
    """Check that a model can be sealed into a folder, before it is trained.

    Raises:
        SealError: The folder exists and is not a sealed model, or cannot be written.
    """
    try:
        target = follow(destination)
        if kind_of(target) is not None and not holds_only_a_model(target):
            raise SealError(
                f"{destination} exists and is not a sealed model, or holds other files, too.",
                remedy="Give a folder that does not exist, or a sealed model to replace.",
            )
        make_folder(target.parent)
        with Temporary(target) as temporary:
            temporary.path.mkdir()
    except OSError as error:
        raise _cannot_write(destination, error) from error


def _cannot_write(destination: Path, error: OSError) -> SealError:
    return SealError(
        f"{destination} cannot be written: {error.strerror or error}.",
        remedy="Make room, or give a folder that this user may write to.",
    )


def _probe(request: ProbeRequest, model: Path) -> ProbeReport:
    with tempfile.TemporaryDirectory(prefix="modelseal-probe-") as folder:
        request_file, report_file = Path(folder) / "request.json", Path(folder) / "report.json"
        request_file.write_text(request.model_dump_json(), encoding="utf-8")
        try:
            # -P: import from the installed packages, not from the current folder. Python 3.10 has
            # no such option.
            safe = ["-P"] if sys.version_info >= (3, 11) else []
            process = subprocess.run(  # noqa: S603 - this interpreter, our module
                [sys.executable, *safe, "-m", "modelseal.probe", model, request_file, report_file],
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
                remedy="Correct the cause in its message.",
            )
        return ProbeReport.model_validate_json(report_file.read_bytes())


def _check_report(report: ProbeReport, golden: GoldenSet) -> None:
    if report.refusal is not None:
        raise SealError(
            f"The model does not work in a fresh process. {report.refusal}",
            remedy="Use only objects that the loader can import: no functions of a notebook or of "
            "__main__.",
        )
    if different := differences(golden, report.outputs):
        raise SealError(
            f"The model answers differently in a fresh process: {'; '.join(different)}.",
            remedy="Look for state that is not in the files: random numbers, the clock, the "
            "environment, or a loader that does not restore the trained model.",
        )
    _check_agreements(golden, report.outputs)


def _check_agreements(golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]) -> None:
    if different := disagreements(golden, answers):
        raise SealError(
            f"The model's paths disagree about the same answer: {'; '.join(different)}.",
            remedy="Make the paths compute the same answer: look for columns in another order, "
            "another encoding or another default in one of them. Nothing was written.",
        )


def _describe(
    report: ProbeReport, files: Mapping[str, bytes], **fields: object
) -> tuple[Manifest, bytes]:
    try:
        manifest = Manifest.unsealed(
            created=datetime.now(timezone.utc).replace(microsecond=0),
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
        return manifest, encode_manifest(manifest)
    except ValueError as error:
        raise SealError(
            f"The model cannot be described as JSON: {error}.",
            remedy="Correct the fields in this message. NaN, infinities and text that is not "
            "UTF-8, such as some file names, are not allowed.",
        ) from error


def _git_commit(source: Path | None) -> str | None:
    """The commit of the repository that tracks a file, with ``-dirty`` if there are changes.

    None if no repository tracks it. The environment may be inside a repository that does not have
    the code, as for code that was installed from a wheel.
    """
    git = shutil.which("git")
    if git is None or source is None:
        return None

    def run(*arguments: str) -> str | None:
        process = subprocess.run(  # noqa: S603 - fixed commands
            [git, "-C", str(source.parent), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return process.stdout.strip() if process.returncode == 0 else None

    if run("ls-files", "--error-unmatch", source.name) is None:
        return None
    return run("describe", "--always", "--dirty", "--abbrev=40", "--match", "") or None
