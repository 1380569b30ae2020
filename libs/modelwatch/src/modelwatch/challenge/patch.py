"""The patch of a release file that promotes a model."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from modelwatch.challenge.decision import Identity
from modelwatch.errors import ChallengeError

__all__ = ["ReleaseFile", "promotion_patch", "read_release"]


_SETTING: Final = re.compile(r"""(?P<before>\s*(?P<key>\w+)\s*=\s*)("[^"]*"|'[^']*')""")


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


def promotion_patch(release: ReleaseFile, model: Identity, uri: str) -> str:
    """The patch that makes a release file name a model, for ``git apply``.

    Args:
        release: The release file.
        model: The model.
        uri: Address that the model will have.

    Raises:
        ChallengeError: The file does not name a model of this name, or its table is not written
            with one line for ``uri`` and one for ``sha256``.
    """
    table = release.models.get(model.name)
    if not isinstance(table, dict):
        raise ChallengeError(
            f"{release.name} has no table [models.{model.name}].",
            remedy="Deploy the service first, or give the release file of another cluster.",
        )
    wanted = {"uri": uri, "sha256": model.sha256}
    lines = release.text.splitlines(keepends=True)
    changed = _replace(lines, model.name, wanted)
    expected = release.models | {model.name: table | wanted}
    if tomllib.loads("".join(changed))["models"] != expected:
        raise ChallengeError(
            f"{release.name}: the table [models.{model.name}] is not written with one line for uri "
            "and one for sha256.",
            remedy="Write it so, or change it by hand.",
        )
    return "".join(difflib.unified_diff(lines, changed, f"a/{release.name}", f"b/{release.name}"))


def _replace(lines: list[str], name: str, wanted: dict[str, str]) -> list[str]:
    header = re.compile(rf"\[\s*models\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*\]")
    inside, found = False, []
    for line in lines:
        if line.lstrip().startswith("["):
            inside = header.match(line.strip()) is not None
        setting = _SETTING.match(line)
        if inside and setting and setting["key"] in wanted:
            found.append(f'{setting["before"]}"{wanted[setting["key"]]}"{line[setting.end() :]}')
        else:
            found.append(line)
    return found


def _name_in_repository(path: Path) -> str:
    resolved = path.resolve()
    for folder in resolved.parents:
        if (folder / ".git").exists():
            return resolved.relative_to(folder).as_posix()
    return path.name
