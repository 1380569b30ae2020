"""The release file of a simulated cluster, in a git repository of its own."""

import json
import tomllib
from pathlib import Path
from typing import NamedTuple

from commands import run

__all__ = ["Model", "ReleaseRepository"]


class Model(NamedTuple):
    """A model that a release file names."""

    uri: str
    sha256: str


class ReleaseRepository:
    """A repository whose only file names the model in use, as ``deploy/clusters/NAME.toml`` does.

    Args:
        folder: Folder of the repository. It is created.
        name: Name of the model.
        model: The first model in use.
    """

    def __init__(self, folder: Path, name: str, model: Model) -> None:
        self._folder = folder
        self._name = name
        self.file = folder / "deploy" / "clusters" / "simulated.toml"
        self.file.parent.mkdir(parents=True)
        # JSON strings are valid TOML strings.
        self.file.write_text(
            f"[models.{name}]\n"
            f"uri = {json.dumps(model.uri)}\n"
            f"sha256 = {json.dumps(model.sha256)}\n",
            encoding="utf-8",
        )
        self._git("init", "--quiet")
        self._commit(f"Deploy {name}")

    @property
    def model(self) -> Model:
        """The model that the file names."""
        table = tomllib.loads(self.file.read_text(encoding="utf-8"))["models"][self._name]
        return Model(table["uri"], table["sha256"])

    def apply(self, patch: Path) -> str:
        """Apply a patch and commit it; the new commit as git shows it.

        Raises:
            CommandFailedError: It does not apply.
        """
        self._git("apply", str(patch))
        self._commit(f"Promote the challenger of {self._name}")
        return self._git("show", "--format=%s", "--unified=1")

    def _commit(self, subject: str) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", subject)

    def _git(self, *arguments: str) -> str:
        # Independent of the settings of who runs it: identity, signing and hooks.
        settings = {"user.name": "Simulation", "user.email": "none@example.org"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        environment = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        _, output = run(["git", *options, *arguments], folder=self._folder, environment=environment)
        return output
