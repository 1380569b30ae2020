"""Tells the refusals of uv apart when it makes the environments of a proof."""

import re
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from pinproof.closure.uv import run_uv
from pinproof.errors import PinproofError

__all__ = ["BuildError", "CollisionError", "build"]

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


def build(uv: Path, arguments: Sequence[str], *, folder: Path) -> str:
    """Run uv for an environment, and give its standard output; see `pinproof.closure.uv.run_uv`.

    Args:
        uv: The program.
        arguments: What it is told.
        folder: An existing folder without a project, whose name is left out of messages.

    Raises:
        CollisionError: The requirements contradict each other.
        BuildError: uv failed otherwise.
        UvError: uv cannot be started, or does not finish.
    """
    run = run_uv(uv, arguments, folder=folder, patience_s=_PATIENCE_S)
    if run.returncode == 0:
        return run.stdout
    reason = _one_paragraph(run.stderr)
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
