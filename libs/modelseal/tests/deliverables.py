"""Sealed models to deliver: their files are real, what they would predict plays no part."""

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
class Published:
    """A sealed model on disk, and where a bucket has it."""

    folder: Path
    sha256: str
    uri: str = ""
    prefix: str = ""

    def put_into(self, bucket: Bucket) -> None:
        """Upload it without the code under test."""
        self.prefix = f"bankchurn/{uuid4().hex}"
        self.uri = f"{bucket.uri}/{self.prefix}"
        for path in self.folder.iterdir():
            bucket.upload(f"{self.prefix}/{path.name}", path.read_bytes())

    def object(self, name: str) -> str:
        return f"{self.prefix}/{name}"


def publishable(
    folder: Path, *, version: str = "1.0.0", sizes: dict[str, int] = SIZES
) -> Published:
    """Write a sealed model."""
    folder.mkdir(parents=True)
    # Seeded by the version, so that two versions differ.
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


def with_manifest(folder: Path, manifest: bytes) -> Published:
    (folder / "manifest.json").write_bytes(manifest)
    return Published(folder, hashlib.sha256(manifest).hexdigest())


def renamed_file(model: Published, old: str, new: str) -> Published:
    """The model with a name in its manifest that no sealing would write, and a seal that fits."""
    document = json.loads((model.folder / "manifest.json").read_bytes())
    document["files"][new] = document["files"].pop(old)
    document["seal"] = "0" * 64
    text = json.dumps(document)
    text = text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1)
    return with_manifest(model.folder, text.encode())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def around(folder: Path) -> list[str]:
    """What lies beside a folder, hidden files too."""
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)
