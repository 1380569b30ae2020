"""A copy of a service's package, for tests of what a change of its source does."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2

from servicekit.launch import wait_until
from servicekit.testing.live_service import LiveService


class PackageCopy:
    """A copy of a service's package, and a folder for the data of its commands.

    Args:
        package: The package.
        folder: An empty folder.
        environment: Environment variables of the commands.

    Attributes:
        folder: The working directory of the commands.
        source: The copied package, for a test to edit.
    """

    def __init__(
        self, package: ModuleType, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        assert package.__file__ is not None
        self._name = package.__name__
        self.folder = folder
        self.source = folder / "src" / self._name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(package.__file__).parent, self.source, ignore=ignored)
        self._environment = {**(environment or {}), "PYTHONPATH": str(folder / "src")}

    def run(self, *words: str | Path, code: int = 0) -> str:
        """The output of a command of the service: stdout, or stderr if it is to fail."""
        return self.python("-m", self._name, *words, code=code)

    def python(self, *words: str | Path, code: int = 0) -> str:
        """The output of Python: stdout, or stderr if it is to fail."""
        process = subprocess.run(  # noqa: S603 - the tests' own words
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == code, process.stderr
        return process.stderr if code else process.stdout

    def report(self) -> Any:  # noqa: ANN401 - a JSON document
        """The report of the last training."""
        return json.loads((self.folder / f"reports/{self._name}/evaluation.json").read_bytes())

    def serve(self, **settings: object) -> LiveService:
        """Serve the trained model."""
        known = {"model_dir": self.folder / "models" / self._name, **settings}
        return LiveService(["-m", self._name, "serve"], self._environment, known)


def ask(service: LiveService, path: str, body: object, status: int = 200) -> Any:  # noqa: ANN401
    """The answer to a POST, as JSON, once the model is proven."""
    wait_until(lambda: service.get("/ready").status_code == 200, "the model is proven")
    answer = httpx2.post(service.url + path, json=body, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()
