"""Runs the commands of a service, each in a process of its own and in the service's environment.

Models are opened there, by modelseal, and never in this process.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelwatch.challenge.declaration import Service
from modelwatch.tracking.after_work import without_tracking

__all__ = ["CommandError", "score", "split", "train"]

_SHOWN: Final = 2_000


class CommandError(Exception):
    """A command of the service failed.

    Attributes:
        status: Its exit status; negative for the number of a signal.
        output: The end of its error output.
    """

    def __init__(self, command: str, status: int, output: str) -> None:
        ended = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
        super().__init__(f"`{command}` {ended}: {output}" if output else f"`{command}` {ended}")
        self.status = status
        self.output = output


def split(service: Service, data: Path, champion: Path, training: Path, held_out: Path) -> None:
    """Split a table into rows to train on, and rows that the champion was not trained on.

    Raises:
        CommandError: The command failed.
    """
    options: list[str | Path] = ["--model", champion, "--training", training]
    _run(service, "split", data, *options, "--held-out", held_out)


def train(
    service: Service, training: Path, model: Path, reports: Path, options: Sequence[str]
) -> None:
    """Train and seal a model.

    Args:
        service: The service.
        training: Table of the rows to train on.
        model: Folder for the sealed model.
        reports: Folder for the report of the training.
        options: More options of the service's command.

    Raises:
        CommandError: The command failed.
    """
    _run(service, "train", "--data", training, "--out", model, "--reports", reports, *options)


def score(service: Service, held_out: Path, scores: Path, model: Path) -> None:
    """Open a sealed model, which replays its golden answers, and score rows.

    Raises:
        CommandError: The model was refused, or the command failed.
    """
    _run(service, "score", held_out, scores, "--model", model)


def _run(service: Service, command: str, *arguments: str | Path) -> None:
    line = [str(service.python), "-m", service.package, command, *map(str, arguments)]
    done = subprocess.run(  # noqa: S603 - the interpreter of the service
        line,
        cwd=service.folder,
        # The challenge is recorded as a whole, with its challenger.
        env=without_tracking(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )
    if done.returncode != 0:
        output = done.stderr.strip()
        raise CommandError(
            f"python -m {service.package} {command}", done.returncode, output[-_SHOWN:]
        )
