"""Folders of sealed models for tests of delivery. They cannot be loaded."""

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from buckets import Bucket
from modelseal import GoldenSet, Manifest, Tolerance
from modelseal.manifest import encode_manifest

PIECE = 64 * 1024
SIZES = {"weights.bin": 3 * PIECE + 17, "labels.json": 40, "empty": 0}


@dataclass
class PublishedModel:
    """A sealed model on disk and in a bucket."""

    folder: Path
    sha256: str
    uri: str = ""
    prefix: str = ""

    def put_into(self, bucket: Bucket) -> None:
        """Upload it without the code under test."""
        self.prefix = f"orders/{uuid4().hex}"
        self.uri = f"{bucket.uri}/{self.prefix}"
        for path in self.folder.iterdir():
            bucket.upload(f"{self.prefix}/{path.name}", path.read_bytes())

    def object(self, name: str) -> str:
        return f"{self.prefix}/{name}"


def write_model(
    folder: Path, *, version: str = "1.0.0", sizes: dict[str, int] = SIZES
) -> PublishedModel:
    """Write a sealed model."""
    folder.mkdir(parents=True)
    # The version is the seed, so that two versions differ.
    content = {name: random.Random(version).randbytes(size) for name, size in sizes.items()}  # noqa: S311
    for name, contents in content.items():
        (folder / name).write_bytes(contents)
    manifest = Manifest.unsealed(
        created=datetime(2026, 11, 22, tzinfo=UTC),
        name="toy",
        version=version,
        git_commit=None,
        python="3.11.7",
        platform="any",
        loader="toy",
        files={
            name: {"sha256": hashlib.sha256(contents).hexdigest(), "size": len(contents)}
            for name, contents in content.items()
        },
        environment={},
        golden=GoldenSet(
            inputs=(1.0,), outputs={"score": (3.0,)}, tolerances={"score": Tolerance(absolute=1e-9)}
        ),
        data={},
        metrics={},
        parameters={},
    )
    return with_manifest(folder, encode_manifest(manifest))


def with_manifest(folder: Path, manifest: bytes) -> PublishedModel:
    (folder / "manifest.json").write_bytes(manifest)
    return PublishedModel(folder, hashlib.sha256(manifest).hexdigest())


def rename_file(model: PublishedModel, old: str, new: str) -> PublishedModel:
    """Rename a file in the manifest, even to a forbidden name, and seal it again."""
    document = json.loads((model.folder / "manifest.json").read_bytes())
    document["files"][new] = document["files"].pop(old)
    document["seal"] = "0" * 64
    text = json.dumps(document)
    text = text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1)
    return with_manifest(model.folder, text.encode())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def siblings(folder: Path) -> list[str]:
    """The other files in the parent of a folder, hidden ones included."""
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)
