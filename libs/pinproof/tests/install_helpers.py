"""Asks what a script would install in a small repository."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pinproof.rules.install_commands.install_checker import InstallChecker
from pinproof.rules.install_commands.read_commands import read_commands

FILES = [
    "requirements.txt",
    "constraints.txt",
    "Pipfile",
    "environment.yml",
    "service/requirements-prod.txt",
    "service/pyproject.toml",
    "libs/tool/pyproject.toml",
]


class Reported(NamedTuple):
    line: int
    message: str
    distribution: str | None


def unpinned_installs(name: str, text: str) -> list[Reported]:
    """The findings in a file without duplicates, in the order of the lines."""
    checker = InstallChecker(FILES)
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        reported = [
            Reported(command.line, found.message, found.distribution)
            for command in read_commands(Path(folder), name)
            for found in checker.unpinned_installs(command, name)
        ]
    return sorted(dict.fromkeys(reported), key=lambda found: found.line)
