"""What is recorded of a training: everything that its sealed model says of it."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from modelseal import Manifest
from modelseal.manifest import MANIFEST_NAME, read_manifest
from modelseal.model_files import read_file
from modelseal.signature import SIGNATURE_NAME
from pydantic import JsonValue

__all__ = ["MODEL_FOLDER", "SHA256_TAG", "RunRecord", "flatten", "metric_values", "training_record"]

MODEL_FOLDER: Final = "model"
"""Folder of the sealed model among the artifacts of its run."""

SHA256_TAG: Final = "modelseal.sha256"
"""Tag of a run and of a registered version: the SHA-256 of the manifest."""

_REPORT_FOLDER: Final = "training-report"
_LONGEST: Final = 500
_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9_\-. :/]")


class RunRecord(NamedTuple):
    """A run of MLflow.

    Attributes:
        experiment: Name of its experiment.
        name: Its name.
        key: SHA-256 of what is recorded. A key is recorded once.
        start_ms: Time in milliseconds since 1970.
        tags: Its tags.
        parameters: Its parameters.
        metrics: Its metrics, finite numbers.
        files: Its artifacts: a file, and the folder that it is recorded in.
    """

    experiment: str
    name: str
    key: str
    start_ms: int
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    files: list[tuple[Path, str]]


def training_record(model: Path, report: Path | None) -> RunRecord:
    """The record of a training.

    Args:
        model: Folder of the sealed model. Its files are verified; nothing is unpickled.
        report: Folder of the training's report and plots; None for no report.

    Raises:
        SealedModelError: The model is not as it was sealed.
        OSError: The report cannot be listed.
    """
    manifest, sha256 = read_manifest(model)
    for name, record in manifest.files.items():
        read_file(model / name, record)
    names = [MANIFEST_NAME, *manifest.files]
    if (model / SIGNATURE_NAME).is_file():
        names.append(SIGNATURE_NAME)
    files = [(model / name, MODEL_FOLDER) for name in names]
    if report is not None:
        files += [(path, _REPORT_FOLDER) for path in sorted(report.iterdir()) if path.is_file()]
    return RunRecord(
        experiment=manifest.name,
        name=f"training {manifest.version}",
        key=sha256,
        start_ms=int(manifest.created.timestamp() * 1000),
        tags={
            SHA256_TAG: sha256,
            "modelseal.version": manifest.version,
            "mlflow.source.git.commit": manifest.git_commit or "",
        },
        parameters=dict(_parameters(manifest)),
        metrics=metric_values(manifest.metrics),
        files=files,
    )


def flatten(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """The values of a document by names that MLflow accepts. Long values are left out."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from flatten(one, f"{name}.{key}" if name else key)
    else:
        text = value if isinstance(value, str) else json.dumps(value)
        if len(text) <= _LONGEST:
            yield _accepted(name), text


def metric_values(values: Mapping[str, float | None]) -> dict[str, float]:
    """The finite ones of some numbers, by names that MLflow accepts."""
    return {
        _accepted(name): value
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def _parameters(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield from flatten(dict(manifest.parameters))
    yield from flatten(dict(manifest.data), "data")
    yield "python", manifest.python
    for name, version in manifest.guarded.items():
        yield f"library.{name}", version


def _accepted(name: str) -> str:
    return _FORBIDDEN.sub("_", name)[:250]
