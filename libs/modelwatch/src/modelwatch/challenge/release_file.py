"""The release file of a cluster, which names the models that it runs."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from modelwatch.errors import ChallengeError

__all__ = ["ReleaseFile", "read_release"]


class ReleaseFile(NamedTuple):
    """A release file.

    Attributes:
        name: Its path in its repository, as patches name it.
        text: Its text, TOML with a table ``models.NAME`` for each model.
        models: The tables of its models.
    """

    name: str
    text: str
    models: dict[str, Any]


def read_release(path: Path) -> ReleaseFile:
    """Read a release file.

    Raises:
        ChallengeError: It cannot be read, or is not TOML with models.
    """
    try:
        # Without conversion of line ends, which would make every line of the patch differ.
        text = path.read_bytes().decode("utf-8")
        models = tomllib.loads(text).get("models")
    except (OSError, ValueError) as error:
        raise ChallengeError(
            f"{path} cannot be read as TOML: {error}.", remedy="Give the release file of a cluster."
        ) from error
    if not text.endswith("\n"):
        raise ChallengeError(f"{path} does not end with a line end.", remedy="Add it.")
    if not isinstance(models, dict):
        raise ChallengeError(
            f"{path} has no table [models.NAME].", remedy="Give the release file of a cluster."
        )
    return ReleaseFile(_name_in_repository(path), text, models)


def _name_in_repository(path: Path) -> str:
    resolved = path.resolve()
    for folder in resolved.parents:
        if (folder / ".git").exists():
            return resolved.relative_to(folder).as_posix()
    return path.name
