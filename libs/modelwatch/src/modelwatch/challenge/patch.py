"""The patch of a release file that promotes a model."""

import difflib
import re
import tomllib
from typing import Final

from modelwatch.challenge.decision import Identity
from modelwatch.challenge.release_file import ReleaseFile
from modelwatch.errors import ChallengeError

__all__ = ["promotion_patch"]


_SETTING: Final = re.compile(r"""(?P<before>\s*(?P<key>\w+)\s*=\s*)("[^"]*"|'[^']*')""")


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
