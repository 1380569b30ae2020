"""Records what a command has made, without risk for what it made.

The record is made by ``modelwatch track`` in a process of its own: the client of MLflow is not
imported where models are trained, and a limit ends it however slow the server is.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from modelseal.signals import exit_on_sigterm

from modelwatch.errors import TrackingError
from modelwatch.tracking.settings import VARIABLE, read_server

__all__ = ["NOT_RECORDED", "record_or_exit", "without_tracking"]

NOT_RECORDED: Final = 3
"""Exit status of a command whose work is done and whole, but is not recorded."""

_LIMIT_S: Final = 900.0


def record_or_exit(folder: Path, report: Path | None = None) -> None:
    """Record a finished training or challenge, if ``MLFLOW_TRACKING_URI`` names a server.

    Args:
        folder: Folder of the sealed model, or of the decision.
        report: Folder of the training's report; None for none.

    Raises:
        SystemExit: It could not be recorded: the status is `NOT_RECORDED`. The folder is unchanged.
    """
    command = ["modelwatch", "track", str(folder), *(["--report", str(report)] if report else [])]
    problem = None
    try:
        if read_server() is None:
            return
        with exit_on_sigterm():
            done = subprocess.run(  # noqa: S603 - this interpreter
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="backslashreplace",
                timeout=_LIMIT_S,
                check=False,
            )
        sys.stdout.write(done.stdout)
        if done.returncode != 0:
            problem = done.stderr.strip()
    except TrackingError as error:
        problem = str(error)
    except subprocess.TimeoutExpired:
        problem = f"It took longer than {_LIMIT_S:.0f} s."
    if problem is not None:
        sys.stderr.write(
            f"error: {folder} is complete, but it was not recorded. {problem}\n"
            f"Record it later: {shlex.join(command)}\n"
        )
        raise SystemExit(NOT_RECORDED)


def without_tracking() -> dict[str, str]:
    """The environment for a command that must not record what it makes."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}
