"""Terraform, with real providers where they can be had and stand-ins elsewhere."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from terraform.configuration import TERRAFORM, Module, text

SCHEMAS = Path(__file__).parent / "schemas"
# "registry" downloads the providers; a folder has them; unset, stand-ins serve.
PROVIDERS = os.environ.get("TF_PROVIDERS", "")

PROGRAM = """\
#!/bin/sh
cd "{tests}" && HOME="{home}" exec "{python}" -m terraform.standin "{schema}"
"""


@dataclass(frozen=True)
class Checkout:
    """A copy of one cloud's configuration that Terraform may write beside."""

    path: Path
    terraform: str
    plugins: Path | None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform here, with no configuration of the machine's."""
        return subprocess.run(
            [self.terraform, *arguments],
            cwd=self.path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.path),
                "TF_CLI_CONFIG_FILE": os.devnull,
                "TF_IN_AUTOMATION": "1",
                "CHECKPOINT_DISABLE": "1",
            },
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def initialise(self) -> None:
        """Install modules and providers; no state is configured."""
        folder = () if self.plugins is None else (f"-plugin-dir={self.plugins}",)
        done = self.run("init", "-no-color", "-backend=false", "-input=false", *folder)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def terraform() -> str:
    program = shutil.which(os.environ.get("TERRAFORM", "terraform"))
    if program is None:
        assert not PROVIDERS, "TF_PROVIDERS asks for plans, and Terraform is not installed"
        pytest.skip("Terraform is not installed")
    return program


@pytest.fixture
def checkout(terraform: str, tmp_path: Path) -> Callable[[str], Checkout]:
    def copy(cloud: str) -> Checkout:
        path = tmp_path / cloud
        shutil.copytree(TERRAFORM / cloud, path, ignore=shutil.ignore_patterns(".terraform*"))
        if PROVIDERS == "registry":
            return Checkout(path, terraform, None)
        name, version = provider(path)
        folder = Path(PROVIDERS) if PROVIDERS else tmp_path
        if not (folder / f"registry.terraform.io/hashicorp/{name}").is_dir():
            folder = tmp_path / "plugins"
            standin(folder, terraform, name, version)
        return Checkout(path, terraform, folder)

    return copy


def provider(path: Path) -> tuple[str, str]:
    """The provider of a root module, and the lowest version that its pin admits."""
    (settings,) = Module(path).blocks["terraform"]
    (providers,) = settings["required_providers"]
    ((name, wanted),) = [(n, one) for n, one in providers.items() if isinstance(one, dict)]
    return name, text(wanted["version"]).removeprefix("~> ")


def standin(folder: Path, terraform: str, name: str, version: str) -> None:
    """Lay a stand-in where Terraform looks for the provider."""
    told = subprocess.run([terraform, "version", "-json"], capture_output=True, check=True)
    platform = json.loads(told.stdout)["platform"]
    program = (
        folder
        / f"registry.terraform.io/hashicorp/{name}/{version}/{platform}"
        / f"terraform-provider-{name}_v{version}"
    )
    program.parent.mkdir(parents=True)
    tests, schema = SCHEMAS.parents[1], SCHEMAS / f"{name}.json"
    home = folder / "home"
    home.mkdir()
    words = PROGRAM.format(tests=tests, home=home, python=sys.executable, schema=schema)
    program.write_text(words, encoding="utf-8")
    program.chmod(0o755)
