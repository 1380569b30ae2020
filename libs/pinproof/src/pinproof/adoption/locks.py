"""The versions that a lock file names.

Sources: the files that uv, Poetry, PDM, Pipenv and pip-tools write, and `pylock.toml
<https://packaging.python.org/en/latest/specifications/pylock-toml/>`_.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pinproof.errors import PinproofError
from pinproof.python310 import tomllib
from pinproof.repository.lines import NotTextError, decode
from pinproof.repository.requirements import parse_requirements

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
"""The names of lock files, those that are preferred first."""

Versions = Mapping[str, frozenset[Version]]
"""The versions by distribution in PEP 503 form. One with markers may have several."""


class LockError(PinproofError):
    """A lock file cannot be read."""


def read_lock(path: Path) -> Versions:
    """Read the versions of a lock file: one of `LOCK_FILES`, or requirements with `==`.

    Raises:
        LockError: The file cannot be read, or names no version.
    """
    read = _of_requirements
    if path.suffix in {".lock", ".toml"}:
        read = _of_json if path.name == "Pipfile.lock" else _of_toml
    found: defaultdict[str, set[Version]] = defaultdict(set)
    try:
        for name, version in read(decode(path.read_bytes())):
            found[canonicalize_name(name)].add(Version(version))
    except OSError as error:
        raise LockError(
            f"{path} cannot be read ({error.strerror}).", remedy="Name a lock file."
        ) from error
    except (NotTextError, InvalidVersion, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LockError(
            f"{path} is not a lock file: {type(error).__name__} {error}.",
            remedy=f"Name one of {', '.join(LOCK_FILES)}, or a file of requirements with ==.",
        ) from error
    if not found:
        raise LockError(
            f"{path} names no version.",
            remedy=f"Name one of {', '.join(LOCK_FILES)}, or a file of requirements with ==.",
        )
    return {name: frozenset(versions) for name, versions in found.items()}


def _of_toml(text: str) -> Iterator[tuple[str, str]]:
    document = tomllib.loads(text)
    for package in document.get("packages", document.get("package", ())):
        # A project's own folder has no version in some files.
        if "version" in package:
            yield package["name"], package["version"]


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    document: dict[str, Any] = json.loads(text)
    for section in ("default", "develop"):
        for name, entry in document[section].items():
            if "version" in entry:
                yield name, entry["version"].removeprefix("==")


def _of_requirements(text: str) -> Iterator[tuple[str, str]]:
    for line in parse_requirements("", text):
        if line.requirement is not None:
            for specifier in line.requirement.specifier:
                if specifier.operator in {"==", "==="} and "*" not in specifier.version:
                    yield line.requirement.name, specifier.version
