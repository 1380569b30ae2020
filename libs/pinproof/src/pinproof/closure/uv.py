"""Finds and runs uv, and tells its errors apart."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from pinproof.end_with_parent import end_with_parent
from pinproof.errors import PinproofError

_LOCAL_UV = Path(".tools", "uv", "bin", "uv")

_DEPENDS = re.compile(
    r"(?:^|\s)([A-Za-z][\w.-]*)(?:\[[^]]*\])?(?:[<>=!~]\S*)? depends? on ([A-Za-z][\w.-]*)"
)
_REQUIRE = re.compile(r"\byou require ([A-Za-z0-9][\w.-]*)")
_DRAWING = " \u00d7\u2570\u2500\u25b6\u2502\u251c"
# Messages of uv that is offline: by a setting, or because the index does not answer.
_OFFLINE = re.compile(
    r"network (?:was|is) disabled|dns error|failed to lookup address|tcp connect error"
    r"|Connection refused|Network is unreachable|No route to host",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:https?|file)://\S+")


class UvError(PinproofError):
    """uv is missing, cannot be started, does not finish, or fails."""


class UvOfflineError(UvError):
    """uv does not reach the index, or its variables or configuration forbid that."""


class UnsatisfiableError(UvError):
    """No set of versions satisfies the requirements.

    Attributes:
        explanation: The explanation of uv.
        packages: The distributions that conflict, in PEP 503 form: one that depends on another,
            and that other; or only one, if none of its releases matches.
    """

    def __init__(self, explanation: str, *, file: str = "") -> None:
        prefix = f"{file}: " if file else ""
        super().__init__(
            f"{prefix}These requirements cannot be installed together. {explanation}.",
            remedy="Change one of the pins that it names.",
        )
        self.explanation = explanation
        self.packages = _named(explanation)


def find_uv(root: Path, given: Path | None = None) -> Path:
    """Find uv: the given program, the one in `.tools` of the repository, or the one on PATH.

    Raises:
        UvError: There is none.
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
    uv: Path, arguments: Sequence[str], *, folder: Path, timeout_s: int, purpose: str
) -> str:
    """Run uv, and return its standard output.

    uv reads environment variables and the configuration of the user, for example for indexes,
    certificates and a proxy. It reads no configuration of a repository, and downloads no
    interpreter.

    Args:
        uv: The program.
        arguments: Its arguments.
        folder: An existing folder. Its pyproject.toml, if it has one, is the only one that uv
            reads. Its name is left out of messages.
        timeout_s: The longest time in seconds.
        purpose: What uv does, for messages.

    Raises:
        UvOfflineError: uv does not reach the index.
        UnsatisfiableError: The requirements contradict each other.
        UvError: uv fails otherwise.
    """
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    options = ("--project", str(folder), "--no-progress", "--color", "never")
    try:
        run = subprocess.run(  # noqa: S603 - the program that the caller chose
            end_with_parent([str(uv), *arguments, *options]),
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=environment | {"UV_PYTHON_DOWNLOADS": "never"},
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        raise UvError(
            f"uv did not finish within {timeout_s} s.", remedy="Check that the index is reachable."
        ) from error
    except OSError as error:
        raise UvError(
            f"{uv} cannot be started ({error.strerror}).", remedy="Name another: --uv."
        ) from error
    if run.returncode == 0:
        return run.stdout
    reason = _one_paragraph(run.stderr.replace(f"{folder}{os.sep}", ""))
    if _OFFLINE.search(reason):
        raise UvOfflineError(
            f"uv could not {purpose}, because it is offline and its cache does not have all: "
            f"{reason}.",
            remedy="Connect this machine, unset UV_OFFLINE, or name an index that it reaches with "
            "UV_DEFAULT_INDEX.",
        )
    if "No solution found" in reason:
        raise UnsatisfiableError(reason.partition("cause:")[2].strip() or reason)
    raise UvError(
        f"uv could not {purpose}: {reason}.",
        remedy="Correct what it names. Check that the index is reachable, and that "
        "UV_DEFAULT_INDEX names it if it is not PyPI.",
    )


def _one_paragraph(stderr: str) -> str:
    """The message of uv without its box-drawing characters and without addresses."""
    lines = [line for line in stderr.splitlines() if not line.startswith("warning:")]
    text = " ".join(line.strip(_DRAWING) for line in lines)
    return _ADDRESS.sub("(an address)", " ".join(text.split())).rstrip(".")


def _named(explanation: str) -> tuple[str, ...]:
    # The last pair is the conclusion of the explanation.
    for pair in reversed(_DEPENDS.findall(explanation)):
        return tuple(canonicalize_name(name) for name in pair)
    return tuple(canonicalize_name(name) for name in _REQUIRE.findall(explanation)[:2])
