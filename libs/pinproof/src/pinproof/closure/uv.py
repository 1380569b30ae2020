"""Finds uv, and runs it in one way for all who ask it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pinproof.errors import PinproofError

__all__ = ["UvError", "find_uv", "run_uv"]

_LOCAL_UV = Path(".tools", "uv", "bin", "uv")


class UvError(PinproofError):
    """uv is missing, cannot be started, or does not finish."""


def find_uv(root: Path, given: Path | None = None) -> Path:
    """Find uv: where it is said to be, in `.tools` of the repository, or on the path.

    Raises:
        UvError: It is in none of these places.
    """
    local = root / _LOCAL_UV
    candidates = [str(given)] if given else [str(local), "uv"]
    for candidate in candidates:
        if found := shutil.which(candidate):
            return Path(found).absolute()
    raise UvError(
        f"There is no uv at {given}." if given else f"There is no uv, neither {local} nor on PATH.",
        remedy="Install it (python -m pip install -r with a file that pins uv), or name it: --uv.",
    )


def run_uv(
    uv: Path, arguments: Sequence[str], *, folder: Path, patience_s: int
) -> subprocess.CompletedProcess[str]:
    """Run uv to its end, whatever its exit code is.

    What is configured for uv in environment variables and in the user's own configuration holds:
    indexes, certificates, a proxy. Configuration inside a repository does not, and no interpreter
    is downloaded.

    Args:
        uv: The program.
        arguments: What it is told.
        folder: An existing folder whose pyproject.toml, if it has one, is the only one that uv
            sees. Its name is left out of messages.
        patience_s: How long it may take, in seconds.

    Raises:
        UvError: It cannot be started, or did not finish in time.
    """
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    options = ("--project", str(folder), "--no-progress", "--color", "never")
    try:
        run = subprocess.run(  # noqa: S603 - the program that the caller chose
            [str(uv), *arguments, *options],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=environment | {"UV_PYTHON_DOWNLOADS": "never"},
            timeout=patience_s,
        )
    except subprocess.TimeoutExpired as error:
        raise UvError(
            f"uv did not finish within {patience_s} s.", remedy="Is the index reachable?"
        ) from error
    except OSError as error:
        raise UvError(
            f"{uv} cannot be started ({error.strerror}).", remedy="Name another: --uv."
        ) from error
    run.stderr = run.stderr.replace(f"{folder}{os.sep}", "")
    return run
