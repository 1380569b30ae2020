"""Reads the requirements of a pyproject.toml, with their line numbers."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from packaging.utils import canonicalize_name

from pinproof.python310 import tomllib
from pinproof.repository.requirements import Line, LineKind, parse_requirement


class PyprojectError(ValueError):
    """The file is not a valid pyproject.toml."""


class _Entry(NamedTuple):
    """A string in a list: the keys of the list, and its position in the list."""

    keys: tuple[str, ...]
    position: int
    text: str


def parse_pyproject(path: str, text: str) -> tuple[Line, ...]:
    """Parse `build-system.requires`, `project` and `dependency-groups`.

    A requirement of a project on itself, with which one extra includes another, is left out: it
    pins nothing.

    Raises:
        PyprojectError: The file is not TOML, or a list of requirements is not a list of strings.
    """
    document = _load(text)
    entries = list(_entries(document))
    numbers = _line_numbers(text, entries)
    itself = canonicalize_name(str(_descend(document, ("project", "name")) or ""))
    lines = (
        parse_requirement(path, number, entry.text, section=".".join(entry.keys))
        for entry, number in zip(entries, numbers, strict=True)
    )
    return tuple(line for line in lines if line.kind is LineKind.INVALID or line.name != itself)


def _load(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise PyprojectError(f"it is not TOML, {error}") from error


def _entries(document: Mapping[str, object]) -> Iterator[_Entry]:
    lists = [("build-system", "requires"), ("project", "dependencies")]
    for keys in (("project", "optional-dependencies"), ("dependency-groups",)):
        table = _descend(document, keys)
        if table is not None and not isinstance(table, dict):
            raise PyprojectError(f"{'.'.join(keys)} is not a table of lists")
        lists += [(*keys, name) for name in table or ()]
    for keys in lists:
        listed = _descend(document, keys)
        if listed is None:
            continue
        if not isinstance(listed, list):
            raise PyprojectError(f"{'.'.join(keys)} is not a list of strings")
        for index, item in enumerate(listed):
            if isinstance(item, str):
                yield _Entry(keys, index, item)
            elif not (keys[0] == "dependency-groups" and isinstance(item, dict)):
                raise PyprojectError(f"{'.'.join(keys)} is not a list of strings")


def _descend(document: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


# A string on one line, and the equals sign of a key.
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)')(\s*=)?""")


def _line_numbers(text: str, entries: list[_Entry]) -> Iterator[int]:
    """Yield the line number of each entry.

    The parser of the standard library has no positions. So every string that equals an entry is
    replaced by the number of its line, and the text is parsed again: the entry is now the number.
    An entry with escapes, or on several lines, gets line 1.
    """
    wanted = {entry.text for entry in entries}

    def mark(match: re.Match[str], number: int) -> str:
        basic, literal, equals = match.groups()
        value = literal if basic is None else basic.replace(r"\"", '"').replace(r"\\", "\\")
        return f'"{number}"' if value in wanted and not equals else match[0]

    marked = "\n".join(
        _QUOTED.sub(lambda match, number=number: mark(match, number), line)  # type: ignore[misc]
        for number, line in enumerate(text.split("\n"), start=1)
    )
    try:
        document = _load(marked)
    except PyprojectError:
        document = {}
    for entry in entries:
        listed = _descend(document, entry.keys)
        number = listed[entry.position] if isinstance(listed, list) else ""
        yield int(number) if str(number).isdecimal() else 1
