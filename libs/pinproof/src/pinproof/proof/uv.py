"""Runs uv for the environments of a proof, and tells its refusals apart."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from pinproof.errors import PinproofError

__all__ = ["BuildError", "CollisionError", "run_uv"]

_PATIENCE_S = 1800
_DEPENDS = re.compile(
    r"(?:^|\s)([A-Za-z][\w.-]*)(?:\[[^]]*\])?(?:[<>=!~]\S*)? depends? on ([A-Za-z][\w.-]*)"
)
_REQUIRE = re.compile(r"\byou require ([A-Za-z0-9][\w.-]*)")
_DRAWING = " \u00d7\u2570\u2500\u25b6\u2502\u251c"
_ADDRESS = re.compile(r"\b(?:https?|file)://\S+")


class BuildError(PinproofError):
    """An environment could not be made."""


class CollisionError(BuildError):
    """No set of versions satisfies the requirements.

    Attributes:
        explanation: Why not, in the resolver's own words.
        packages: The distributions that collide, in PEP 503 form: one that depends on another,
            and that other; or one alone, where no release of it is what is asked for.
    """

    def __init__(self, explanation: str) -> None:
        super().__init__(
            f"These requirements cannot be installed together. {explanation}.",
            remedy="Change one of the pins that it names.",
        )
        self.explanation = explanation
        self.packages = _named(explanation)


def run_uv(uv: Path, arguments: Sequence[str], *, folder: Path) -> str:
    """Run uv, and give its standard output.

    What is configured for uv in environment variables and in the user's own configuration holds:
    indexes, certificates, a proxy. Configuration inside a repository does not, and no interpreter
    is downloaded.

    Args:
        uv: The program.
        arguments: What it is told.
        folder: An existing folder without a project, whose name is left out of messages.

    Raises:
        CollisionError: The requirements contradict each other.
        BuildError: uv failed otherwise.
    """
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    options = ("--project", str(folder), "--no-progress", "--color", "never")
    try:
        run = subprocess.run(  # noqa: S603 - the resolver that the caller chose
            [str(uv), *arguments, *options],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=environment | {"UV_PYTHON_DOWNLOADS": "never"},
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"uv did not finish within {_PATIENCE_S} s.", remedy="Is the index reachable?"
        ) from error
    except OSError as error:
        raise BuildError(
            f"{uv} cannot be started ({error.strerror}).", remedy="Name another: --uv."
        ) from error
    if run.returncode == 0:
        return run.stdout
    reason = _one_paragraph(run.stderr.replace(f"{folder}{os.sep}", ""))
    if "No solution found" in reason:
        raise CollisionError(reason.partition("cause:")[2].strip() or reason)
    raise BuildError(
        f"uv could not make the environment: {reason}.",
        remedy="Mend what it says; is the index reachable, and configured for uv?",
    )


def _one_paragraph(stderr: str) -> str:
    """The message of uv without the drawing around it, and without addresses."""
    lines = [line for line in stderr.splitlines() if not line.startswith("warning:")]
    text = " ".join(line.strip(_DRAWING) for line in lines)
    return _ADDRESS.sub("(an address)", " ".join(text.split())).rstrip(".")


def _named(explanation: str) -> tuple[str, ...]:
    # An explanation ends with what follows from all before it.
    for pair in reversed(_DEPENDS.findall(explanation)):
        return tuple(canonicalize_name(name) for name in pair)
    return tuple(canonicalize_name(name) for name in _REQUIRE.findall(explanation)[:2])
