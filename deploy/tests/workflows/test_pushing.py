"""An archive, pushed to real registries on this machine: the same digest in each, no tag moved."""

import hashlib
import io
import json
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from needed import program

from workflows.reading import ROOT, SERVICES
from workflows.recorded import Programs

SERVICE = min(SERVICES)
IMAGE = SERVICES[SERVICE].image_name
REGISTRY = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[list[str]]:
    """Two registries, as two clouds have them."""
    program("skopeo")
    server = program("docker-registry")
    processes, addresses = [], []
    for number in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = tmp_path / f"registry-{number}.yml"
        folder = tmp_path / f"registry-{number}"
        settings.write_text(REGISTRY.format(folder=folder, port=port), encoding="utf-8")
        processes.append(
            subprocess.Popen(
                [server, "serve", settings],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"OTEL_TRACES_EXPORTER": "none"},
            )
        )
        addresses.append(f"127.0.0.1:{port}")
    for address in addresses:
        answers(f"http://{address}/v2/")
    yield addresses
    for process in processes:
        process.terminate()
        process.wait(timeout=30)


def answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} does not answer")


def archive(folder: Path, content: bytes) -> str:
    """Write an image of one file as an archive; returns its digest."""
    blobs: dict[str, bytes] = {}

    def blob(media: str, data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {
            "mediaType": f"application/vnd.oci.image.{media}",
            "digest": f"sha256:{digest}",
            "size": len(data),
        }

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        add(tar, "file", content)
    tarred = layer.getvalue()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tarred).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("config.v1+json", json.dumps(config).encode()),
        "layers": [blob("layer.v1.tar", tarred)],
    }
    described = blob("manifest.v1+json", json.dumps(manifest).encode())
    index = {"schemaVersion": 2, "manifests": [described]}
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / f"{IMAGE}.tar", "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        add(tar, "index.json", json.dumps(index).encode())
        for name, data in blobs.items():
            add(tar, name, data)
    return str(described["digest"])


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def make(
    target: str, tmp_path: Path, registry: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *("make", "--silent", f"{target}-{SERVICE}", "VERSION=v1.0.0"),
            *(f"REGISTRY={registry}/pinned-ml", "PUSH_FLAGS=--dest-tls-verify=false"),
            *(
                f"IMAGE_FOLDER={tmp_path / 'images'}",
                f"PUSHED_FOLDER={tmp_path / 'pushed' / registry}",
            ),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_registry_gets_the_same_bytes_under_the_digest_that_is_written_down(
    registries: list[str], tmp_path: Path
) -> None:
    digest = archive(tmp_path / "images", b"a service")

    for registry in registries:
        pushed = make("push", tmp_path, registry)
        assert pushed.returncode == 0, pushed.stderr
        written = tmp_path / "pushed" / registry / f"{IMAGE}.json"
        assert json.loads(written.read_text(encoding="utf-8")) == {IMAGE: digest}
        manifest = urllib.request.Request(
            f"http://{registry}/v2/pinned-ml/{IMAGE}/manifests/v1.0.0",
            headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
        )
        with urllib.request.urlopen(manifest, timeout=10) as answer:  # noqa: S310 - loopback
            assert "sha256:" + hashlib.sha256(answer.read()).hexdigest() == digest


def test_the_workflow_gets_the_digest_of_a_pushed_image(
    registries: list[str], tmp_path: Path
) -> None:
    digest = archive(tmp_path / "images", b"a service")
    make("push", tmp_path, registries[0])

    output = make("pushed", tmp_path, registries[0]).stdout

    assert dict(line.split("=", 1) for line in output.splitlines()) == {
        "name": f"{registries[0]}/pinned-ml/{IMAGE}",
        "digest": digest,
        "sbom": f"{tmp_path}/images/{IMAGE}.cdx.json",
    }


def test_a_registry_that_is_not_there_fails_and_nothing_is_written_down(tmp_path: Path) -> None:
    program("skopeo")
    archive(tmp_path / "images", b"a service")

    pushed = make("push", tmp_path, "127.0.0.1:1")

    assert pushed.returncode != 0
    assert not (tmp_path / "pushed").exists()


@pytest.mark.parametrize("target", ["pushed", "sign"])
@pytest.mark.parametrize("written", [None, "", "sha256:0123"])
def test_an_image_that_was_not_pushed_has_no_digest_and_is_not_signed(
    written: str | None, target: str, tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    cosign = programs("cosign")
    (tmp_path / "images").mkdir()
    if written is not None:
        (tmp_path / "images" / f"{IMAGE}.digest").write_text(written, encoding="utf-8")

    done = make(target, tmp_path, "registry.specimen.test", cosign.environment())

    assert done.returncode != 0
    assert done.stdout == ""
    assert ("make push-NAME writes it" if written is None else "is not a digest") in done.stderr
    assert cosign.calls() == []
