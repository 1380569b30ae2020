"""Copies of this repository, each a git repository of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from service_files import Service, services

ROOT = Path(__file__).resolve().parents[2]
SERVICES = services(ROOT)
# The home of who runs the tests may have none.
IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}


class Repository:
    """A copy of the working tree, committed to a repository of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=os.environ | IDENTITY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Test")

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a tool of the copy."""
        return subprocess.run(
            [sys.executable, str(self.root / "tools" / tool), *arguments],
            cwd=self.root,
            env=os.environ | IDENTITY,
            capture_output=True,
            text=True,
            check=False,
        )

    def services(self) -> list[Service]:
        return services(self.root)

    def mentions(self, name: str) -> list[str]:
        """The files that have a name in any case, and the paths, without records of the past."""
        listed = self.git("ls-files").splitlines()
        return self._lines("-i", "-F", "-e", name) + [
            path for path in listed if name.lower() in path.lower()
        ]

    def mentions_package(self, package: str) -> list[str]:
        """The files that have a package, which may also be an ordinary word of texts."""
        texts = ("*.md", "templates", "libs")
        code = rf"-m {package}\b|`{package}\b|\b{package}/|/{package}\b|\bimport {package}\b"
        return [
            *self._lines("-i", "-w", "-F", "-e", package, but=texts),
            *self._lines("-P", "-e", code, only=texts),
        ]

    def _lines(
        self, *options: str, only: Sequence[str] = ".", but: Sequence[str] = ()
    ) -> list[str]:
        """The lines that git grep finds, without records of the past and names for example."""
        without = (f":!{path}" for path in ("CHANGELOG.md", "docs/adr", *but))
        found = subprocess.run(
            ["git", "grep", "-I", "-n", *options, "--", *only, *without],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.splitlines()
        return [line for line in found if not re.search("NAME=|TO=|, such as ", line)]
