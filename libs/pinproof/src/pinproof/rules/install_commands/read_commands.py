"""Reads the commands of a file with the parser for its name."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pinproof.repository.lines import NotTextError, decode
from pinproof.repository.script_names import YAML_ENDINGS, is_dockerfile, is_makefile
from pinproof.rules.install_commands.command import Command
from pinproof.rules.install_commands.dockerfile import dockerfile_commands
from pinproof.rules.install_commands.makefile import makefile_commands
from pinproof.rules.install_commands.scripts import script_commands
from pinproof.rules.install_commands.yaml import yaml_commands

_LARGEST = 4 * 1024 * 1024
# Programs and manifests that name no installer are not parsed.
_INSTALLER = re.compile(
    rb"\b(?:apk|apt|apt-get|aptitude|conda|dnf|easy_install|mamba|microdnf|micromamba|pdm|"
    rb"pip(?:\d[\d.]*)?|pip-sync|pipenv|pipx|pixi|poetry|rye|uv|uvx|yum|zypper)\b"
    # The keywords and methods of machine-learning platforms.
    rb"|pip_\w+|_pip\b|virtualenv|\w+_(?:requirements|packages|to_install)\b|runtime_env|conda_env|RuntimeEnv|session\.",
    re.IGNORECASE,
)
# Nor are those that name no subcommand of an installer.
_VERB = re.compile(
    rb"install|pipx|pip_|_env|Env|[vV]irtualenv|pip-sync|uvx|--with"
    rb"|[\"' ](?:add|create|run|sync|tool)[\"' ]"
)


class UnreadableError(Exception):
    """A file cannot be parsed; the message says why."""


def read_commands(root: Path, path: str) -> Iterator[Command]:
    """Yield the commands of a file below `root`.

    Raises:
        UnreadableError: It cannot be parsed.
    """
    name = PurePosixPath(path).name
    data = _read(root / path)
    by_first_line = "." not in name.lstrip(".") and not is_dockerfile(name)
    if by_first_line and not is_makefile(name) and not data.startswith(b"#!"):
        return
    is_quiet = not _VERB.search(data) or not _INSTALLER.search(data)
    if is_quiet and name.endswith((".py", *YAML_ENDINGS)):
        return
    try:
        yield from _parse(decode(data), name)
    except NotTextError as error:
        raise UnreadableError(f"it is not text, {error}") from error
    except (SyntaxError, ValueError, RecursionError) as error:
        # The messages of parsers change between versions.
        raise UnreadableError("it cannot be parsed") from error


def _parse(text: str, name: str) -> Iterator[Command]:
    if is_dockerfile(name):
        yield from dockerfile_commands(text)
    elif is_makefile(name):
        yield from makefile_commands(text)
    elif name.endswith(YAML_ENDINGS):
        yield from yaml_commands(text)
    else:
        yield from script_commands(text, name)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UnreadableError(error.strerror or "it cannot be read") from error
    if len(data) > _LARGEST:
        if not path.suffix and not data.startswith(b"#!"):
            return b""
        raise UnreadableError(f"it is larger than {_LARGEST} bytes")
    return data
