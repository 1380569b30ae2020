"""What reaches a build: .dockerignore, asked of buildah with a repository that is made up."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from needed import program

from images.services import ROOT

SENT = (
    "pins.toml",
    "Orders-Service/pyproject.toml",
    "Orders-Service/requirements-prod.txt",
    "Orders-Service/service.toml",
    "Orders-Service/src/orders/api.py",
    "deploy/images/finish.py",
    "deploy/images/install.sh",
    "deploy/images/requirements-sbom.txt",
    "libs/seal/pyproject.toml",
    "libs/seal/requirements-prod.txt",
    "libs/seal/src/seal/__init__.py",
    "tools/requirements-uv.txt",
)
KEPT = (
    ".env",
    ".git/config",
    ".venv/bin/python",
    "Makefile",
    "LICENSE",
    "README.md",
    "release.toml",
    "Orders-Service/.env",
    "Orders-Service/.venv/bin/python",
    "Orders-Service/data/customers.csv",
    "Orders-Service/models/orders/manifest.json",
    "Orders-Service/src/orders/__pycache__/api.pyc",
    "Orders-Service/tests/test_api.py",
    "data/customers.csv",
    "deploy/clusters/gke.toml",
    "deploy/images/images.mk",
    "libs/seal/tests/key.pem",
    "reports/release.json",
    "tools/demo.py",
)


@pytest.fixture
def image() -> Iterator[str]:
    name = f"localhost/context-{uuid4().hex[:12]}"
    yield name
    subprocess.run(["buildah", "rmi", name], check=True, capture_output=True)


def test_neither_data_nor_models_nor_secrets_reach_a_build(tmp_path: Path, image: str) -> None:
    for name in ("buildah", "podman"):
        program(name)
    tree = tmp_path / "tree"
    for path in (*SENT, *KEPT):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(path, encoding="utf-8")
    shutil.copy(ROOT / ".dockerignore", tree)
    folders = sorted({path.partition("/")[0] for path in (*SENT, *KEPT) if "/" in path})
    lines = [f"COPY {one} /{one}" for one in folders if not one.startswith(".")]
    (tmp_path / "Dockerfile").write_text(
        "\n".join(["FROM scratch", "COPY . /", *lines]), encoding="utf-8"
    )
    options = ["--isolation", "chroot", "--file", str(tmp_path / "Dockerfile"), "--tag", image]
    settings = {"CONTAINERS_CONF": str(ROOT / "deploy/images/containers.conf")}

    subprocess.run(
        ["buildah", "build", *options, str(tree)],
        env=os.environ | settings,
        check=True,
        capture_output=True,
    )

    exported = tmp_path / "image"
    exported.mkdir()
    subprocess.run(["buildah", "push", image, f"dir:{exported}"], check=True, capture_output=True)
    found = set()
    for layer in exported.iterdir():
        listed = subprocess.run(["tar", "-tf", layer], capture_output=True, text=True, check=False)
        found |= {one for one in listed.stdout.splitlines() if not one.endswith("/")}
    assert found == set(SENT)
