"""Finds the supported Pythons that a machine has. None is ever downloaded."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["find_interpreters"]

_ASK = (
    "import os, sys; print('%d.%d' % sys.version_info[:2]); "
    "print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))"
)
_TIMEOUT_S = 30


def find_interpreters(pythons: Sequence[str]) -> dict[str, Path]:
    """The interpreters that are present, by minor version.

    Looked for are the one that runs this, those on the path, and those that pyenv installed.
    """
    found = {}
    for minor in pythons:
        for candidate in _candidates(minor):
            interpreter = _ask(candidate, minor)
            if interpreter is not None:
                found[minor] = interpreter
                break
    return found


def _candidates(minor: str) -> Iterator[str]:
    yield sys.executable
    if on_path := shutil.which(f"python{minor}"):
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    yield from map(str, sorted(pyenv.glob(f"versions/{minor}.*/bin/python"), reverse=True))


def _ask(candidate: str, minor: str) -> Path | None:
    """The interpreter itself and not an environment or shim of it; None if it is another."""
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed question to an interpreter of this machine
            [candidate, "-I", "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, path = answer.stdout.strip().partition("\n")
    return Path(path) if answer.returncode == 0 and version == minor and path else None
