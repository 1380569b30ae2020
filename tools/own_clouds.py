"""Removes what only the clouds need that a company does not deploy to.

A cloud's files have one of its words in their path. In other files, its parts are between two
comments, ``begin cloud: gcp`` and ``end cloud``, or on a line that ends in ``only cloud: gcp``.
Several clouds may be named: the part stays if one of them does. Parts that only the template needs
are marked likewise, with ``template`` in place of a cloud.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from own_answers import CLOUDS

__all__ = ["NO_CLOUD", "MarkError", "keep_parts", "unwanted_paths"]

# What is useless without any cloud, and has none of their words in its path.
NO_CLOUD: Final = (
    ".github/workflows/deploy.yml",
    ".github/workflows/release.yml",
    "deploy/terraform",
    "deploy/tests/terraform",
    "deploy/tests/workflows/test_deploy_workflow.py",
)

# A service may be named like a cloud: only these folders have files of clouds.
_DEPLOYMENT: Final = re.compile(r"(?:.+/)?deploy/|docs/|\.github/")

_COMMENT: Final = r"(?:#|<!--)"
_CLOSE: Final = r"[ \t]*(?:-->)?"
_BEGIN: Final = re.compile(rf"[ \t]*{_COMMENT} begin cloud: ([a-z ]+?){_CLOSE}\n?")
_END: Final = re.compile(rf"[ \t]*{_COMMENT} end cloud{_CLOSE}\n?")
_ONLY: Final = re.compile(rf"[ \t]*{_COMMENT} only cloud: ([a-z ]+?){_CLOSE}(?=( \|)?\n|$)")


class MarkError(ValueError):
    """The marks of a file do not fit together."""


def unwanted_paths(paths: Collection[str], wanted: Collection[str]) -> Iterator[str]:
    """The paths that only unwanted clouds need.

    Args:
        paths: Paths of files.
        wanted: The clouds that stay.
    """
    words = {word for cloud, own in CLOUDS.items() if cloud not in wanted for word in own}
    for path in paths:
        useless = not wanted and any(path == one or path.startswith(f"{one}/") for one in NO_CLOUD)
        named = _DEPLOYMENT.match(path) and words.intersection(re.split(r"[/._-]", path))
        if useless or named:
            yield path


def keep_parts(text: str, wanted: Collection[str]) -> str:
    """The text without the parts of unwanted clouds, and without marks.

    Raises:
        MarkError: A mark names no cloud, is not closed, or closes nothing.
    """
    kept: list[str] = []
    inside: bool | None = None  # whether a part is open, and stays
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if begin := _BEGIN.fullmatch(line):
            if inside is not None:
                raise MarkError(f"line {number}: a part begins inside of another")
            inside = _stays(begin[1], wanted, number)
        elif _END.fullmatch(line):
            if inside is None:
                raise MarkError(f"line {number}: no part begins before its end")
            inside = None
        elif inside is not False:
            only = _ONLY.search(line)
            if not only:
                kept.append(line)
            elif _stays(only[1], wanted, number):
                kept.append(line[: only.start()] + line[only.end() :])
    if inside is not None:
        raise MarkError("a part does not end")
    return "".join(kept)


def _stays(names: str, wanted: Collection[str], number: int) -> bool:
    named = set(names.split())
    if unknown := named - CLOUDS.keys() - {"template"}:
        raise MarkError(f"line {number}: there is no cloud {' '.join(sorted(unknown))}")
    return bool(named & set(wanted))
