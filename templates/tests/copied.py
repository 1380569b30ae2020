"""A copy of this repository, in which services are made."""

import subprocess
import sys
from pathlib import Path


class Repository:
    """A copy of this repository with a git of its own.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        """Run git, and return its output."""
        settings = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        return subprocess.run(
            ["git", *settings, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "All")

    def new_service(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command, and return its exit code and output."""
        return subprocess.run(
            self.command(*arguments), cwd=self.root, capture_output=True, text=True, check=False
        )

    def command(self, *arguments: str) -> list[str]:
        """The command with its arguments."""
        return [sys.executable, str(self.root / "tools/new_service.py"), *arguments]

    def changes(self) -> list[str]:
        """What git and the folder show of a change, the caches of tools excepted."""
        return self.git("status", "--porcelain", "--untracked-files=normal").splitlines()

    def files(self, folder: str) -> dict[str, bytes]:
        """The contents of the files in a folder, by their paths in it."""
        top = self.root / folder
        return {
            str(path.relative_to(top)): path.read_bytes()
            for path in sorted(top.rglob("*"))
            if path.is_file()
        }
