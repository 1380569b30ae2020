"""Finds the supported Pythons of a machine. It downloads none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_PROGRAM = (
    "import os, sys; print('%d.%d' % sys.version_info[:2]); "
    "print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))"
)
_TIMEOUT_S = 30


def find_interpreters(pythons: Sequence[str]) -> dict[str, Path]:
    """The interpreters of this machine by minor version: the current one, on PATH, or of pyenv."""
    found = {}
    for minor in pythons:
        for candidate in _candidates(minor):
            interpreter = _base_interpreter(candidate, minor)
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


def _base_interpreter(candidate: str, minor: str) -> Path | None:
    """The base interpreter, not an environment or shim; None if its version is different."""
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed question to an interpreter of this machine
            [candidate, "-I", "-c", _PROGRAM],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, path = answer.stdout.strip().partition("\n")
    return Path(path) if answer.returncode == 0 and version == minor and path else None
