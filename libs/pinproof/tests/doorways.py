"""Asks what a script would install in a small repository."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pinproof.doors.judging import Judge
from pinproof.doors.reading import read_commands

FILES = [
    "requirements.txt",
    "constraints.txt",
    "service/requirements-prod.txt",
    "service/pyproject.toml",
    "libs/tool/pyproject.toml",
]


class Told(NamedTuple):
    line: int
    message: str
    distribution: str | None


def faults(name: str, text: str) -> list[Told]:
    """What is told of a file, each thing once, in the order of the lines."""
    judge = Judge(FILES)
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        told = [
            Told(command.line, fault.message, fault.distribution)
            for command in read_commands(Path(folder), name)
            for fault in judge.faults(command, name)
        ]
    return sorted(dict.fromkeys(told), key=lambda fault: fault.line)
