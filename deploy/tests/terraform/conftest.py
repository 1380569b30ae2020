"""Terraform, with real providers where they can be had and stand-ins elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from terraform.configuration import CLOUDS, TERRAFORM, provider

SCHEMAS = Path(__file__).parent / "schemas"
NAMES = {cloud: provider(cloud) for cloud in CLOUDS}
# "registry" downloads the providers; a folder has them, or some; unset, stand-ins serve.
PROVIDERS = os.environ.get("TF_PROVIDERS", "")

Standins = Callable[[str], str]


@dataclass(frozen=True)
class Checkout:
    """A copy of the configuration of one cloud, in which Terraform may write."""

    path: Path
    terraform: str
    initialisation: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

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
                **self.environment,
            },
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def initialise(self) -> None:
        """Install modules and providers; no state is configured."""
        options = ("-no-color", "-backend=false", "-input=false", *self.initialisation)
        done = self.run("init", *options)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def terraform() -> str:
    program = shutil.which(os.environ.get("TERRAFORM", "terraform"))
    if program is None:
        assert not PROVIDERS, "TF_PROVIDERS asks for plans, and Terraform is not installed"
        pytest.skip("Terraform is not installed")
    return program


@pytest.fixture(scope="session")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    """The addresses of the stand-ins by provider, in the form that Terraform reads."""
    started: dict[str, tuple[subprocess.Popen[str], str]] = {}
    home = tmp_path_factory.mktemp("standins")

    def start(name: str) -> str:
        if name not in started:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-u",
                    "-m",
                    "terraform.standin",
                    SCHEMAS / f"{name}.json",
                    "--dev",
                ],
                cwd=SCHEMAS.parents[1],
                env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)},
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            output = next((line for line in process.stdout if "TF_REATTACH_PROVIDERS" in line), "")
            found = re.search(r"TF_REATTACH_PROVIDERS='(.*)'", output)
            assert found is not None, "the stand-in did not start"
            started[name] = process, found[1]
        return started[name][1]

    yield start
    for process, _ in started.values():
        process.terminate()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def checkout(terraform: str, standins: Standins, tmp_path: Path) -> Callable[[str], Checkout]:
    def copy(cloud: str) -> Checkout:
        path = tmp_path / cloud
        shutil.copy(TERRAFORM / "services.json", tmp_path)
        shutil.copytree(TERRAFORM / cloud, path, ignore=shutil.ignore_patterns(".terraform*"))
        if PROVIDERS == "registry":
            return Checkout(path, terraform)
        if PROVIDERS and Path(PROVIDERS, "registry.terraform.io/hashicorp", NAMES[cloud]).is_dir():
            return Checkout(path, terraform, (f"-plugin-dir={PROVIDERS}",))
        output = {"TF_REATTACH_PROVIDERS": standins(NAMES[cloud])}
        return Checkout(path, terraform, environment=output)

    return copy
