"""The services, and models that their images train."""

import hashlib
import io
import json
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from images.containers import podman, run

__all__ = ["ROOT", "SERVICES", "Model", "Service", "make_model", "readable", "sha256"]

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Service:
    """One service.

    Attributes:
        folder: Its folder.
        package: Its package.
        port: The port that it listens on in a pod.
        megabytes: What its image may weigh over the base.
        prepare: Commands of its command line that end in a sealed model in /work/model, and in
            what else it serves, if anything, in /work/data.
        settings: What its pod sets besides.
    """

    folder: str
    package: str
    port: int
    megabytes: int
    prepare: tuple[tuple[str, ...], ...]
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of its image."""
        return self.folder.lower()

    @property
    def image(self) -> str:
        return f"localhost/{self.name}:dev"

    def inspect(self) -> dict[str, Any]:
        """The configuration of the image."""
        found: dict[str, Any] = json.loads(podman("image", "inspect", self.image).stdout)[0]
        return found

    def requests(self) -> list[dict[str, Any]]:
        """What `make demo` sends to it."""
        document = tomllib.loads((ROOT / self.folder / "service.toml").read_text(encoding="utf-8"))
        requests: list[dict[str, Any]] = document["demo"]["requests"]
        return requests


SERVICES = (
    Service(
        "BankChurn-Predictor",
        "bankchurn",
        8001,
        650,
        (
            ("generate", "/work/sample.csv", "--rows", "1500"),
            (
                *("train", "--data", "/work/sample.csv", "--folds", "2"),
                *("--out", "/work/model", "--reports", "/work/reports"),
            ),
        ),
    ),
    Service(
        "NLPInsight-Analyzer",
        "nlpinsight",
        8002,
        450,
        (("train", "--out", "/work/model", "--reports", "/work/reports"),),
    ),
    Service(
        "ChicagoTaxi-Pipeline",
        "chicagotaxi",
        8003,
        500,
        (
            (
                *("train", "--rows", "30000", "--folds", "1"),
                *("--out", "/work/model", "--reports", "/work/reports"),
            ),
            (
                *("run", "--sample-trips", "100000", "--out", "/work/data"),
                *("--model", "/work/model", "--reports", "/work/reports"),
            ),
        ),
        (("PREDICTIONS_DIR", "/data/predictions"),),
    ),
)


@dataclass(frozen=True)
class Model:
    """A sealed model on this machine.

    Attributes:
        folder: Where it lies.
        sha256: The digest of its manifest.
        data: What else the service serves, where it does.
    """

    folder: Path
    sha256: str
    data: Path | None = None


def make_model(service: Service, folder: Path) -> Model:
    """Train and seal on generated data, in the service's hardened image, as a Job does.

    What it wrote comes out through a pipe: in a folder of this machine it would belong to a user
    that this machine does not know.
    """
    volume = f"test-{uuid4().hex[:12]}"
    podman("volume", "create", volume)
    try:
        work = [(volume, "/work", "U")]
        for command in service.prepare:
            done = run(service.image, *command, mounts=work, options=["--memory=2g"])
            assert done.returncode == 0, done.stderr
        code = (
            "import os, sys, tarfile\n"
            "with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as tar:\n"
            "    tar.add('/work/model', 'models/current')\n"
            "    for name in ('predictions', 'status.json'):\n"
            "        if os.path.exists(f'/work/data/{name}'):\n"
            "            tar.add(f'/work/data/{name}', f'data/{name}')\n"
        )
        command_line = ["run", "--rm", f"--volume={volume}:/work", "--entrypoint=python"]
        contents = _raw(*command_line, service.image, "-c", code)
    finally:
        podman("volume", "rm", "--force", volume)
    with tarfile.open(fileobj=io.BytesIO(contents)) as tar:
        tar.extractall(folder, filter="data")
    readable(folder)
    data = folder / "data"
    model = folder / "models" / "current"
    return Model(model, sha256(model), data if data.exists() else None)


def readable(folder: Path) -> None:
    """Let the user of the container, whom this machine does not know, read a folder."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def sha256(model: Path) -> str:
    """The digest of a model's manifest."""
    return hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()


def _raw(*arguments: str) -> bytes:
    return subprocess.run(["podman", *arguments], capture_output=True, check=True).stdout
