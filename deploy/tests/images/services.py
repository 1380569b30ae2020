"""The services, and models that their images train."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import service_files
from service_files import read_service

from images.containers import podman, run

__all__ = [
    "ROOT",
    "SERVICES",
    "Model",
    "Service",
    "filled",
    "make_model",
    "readable",
    "sha256",
]

ROOT = Path(__file__).resolve().parents[3]
Commands = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Service:
    """One service.

    Attributes:
        folder: Its folder.
        package: Its package.
        port: The port that it listens on in a pod.
        megabytes: What its image may weigh over the base; None if its service.toml has no limit.
        train: Commands of its command line that end in a sealed model in /work/model.
        serve: Commands that make what else it serves, if anything, in /work/data.
        settings: What its pod sets besides.
    """

    folder: str
    package: str
    port: int
    megabytes: int | None
    train: Commands
    serve: Commands
    settings: Mapping[str, str]

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
        requests: list[dict[str, Any]] = read_service(ROOT / self.folder).demo["requests"]
        return requests


def filled(commands: Sequence[Sequence[str]], **places: str) -> Commands:
    """Commands of a service.toml with the folders that they name."""
    return tuple(tuple(one.format_map(places) for one in command) for command in commands)


def _service(file: service_files.Service) -> Service:
    proof = [*file.proof.get("prepare", []), *file.proof["train"]]
    assert all(command[:2] == ["-m", file.package] for command in proof)
    own: dict[str, str] = file.demo.get("settings", {})
    return Service(
        folder=file.name,
        package=file.package,
        port=file.port,
        megabytes=file.image.get("megabytes"),
        train=filled(
            [command[2:] for command in proof], data="/work", model="/work/model", work="/work"
        ),
        serve=filled(file.demo.get("prepare", []), model="/work/model", work="/work/data"),
        settings={name: value.format(work="/data") for name, value in own.items()},
    )


SERVICES = tuple(map(_service, service_files.services(ROOT)))


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
        for command in (*service.train, *service.serve):
            done = run(service.image, *command, mounts=work, options=["--memory=2g"])
            assert done.returncode == 0, done.stderr
        code = (
            "import os, sys, tarfile\n"
            "with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as tar:\n"
            "    tar.add('/work/model', 'models/current')\n"
            "    if os.path.exists('/work/data'):\n"
            "        tar.add('/work/data', 'data')\n"
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
