"""Reads the requirements of a pyproject.toml, a Pipfile or a pixi.toml, with their lines."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.utils import canonicalize_name

from pinproof.python310 import tomllib
from pinproof.repository.manifest_lines import (
    first_party,
    index_lines,
    key_numbers,
    source_lines,
    table_lines,
)
from pinproof.repository.requirements import Line, LineKind, Option, Spelling, parse_requirement


class PyprojectError(ValueError):
    """The file is not a valid pyproject.toml."""


class _Entry(NamedTuple):
    """A string in a list: the keys of the list, and its position in the list."""

    keys: tuple[str, ...]
    position: int
    text: str


_LISTS = (
    *("build-system.requires", "project.dependencies", "project.optional-dependencies.*"),
    *("dependency-groups.*", "tool.uv.dev-dependencies", "tool.uv.override-dependencies"),
    *("tool.uv.constraint-dependencies", "tool.uv.build-constraint-dependencies"),
    *("tool.pdm.dev-dependencies.*", "tool.rye.dev-dependencies", "tool.hatch.envs.*.dependencies"),
    *("tool.hatch.envs.*.extra-dependencies", "tool.hatch.build.hooks.*.dependencies"),
    # Of a script block, PEP 723.
    "dependencies",
)
_TABLES = (
    *("tool.poetry.dependencies", "tool.poetry.dev-dependencies", "tool.poetry.requires-plugins"),
    *("tool.poetry.group.*.dependencies", "tool.pixi.pypi-dependencies", "pypi-dependencies"),
    *("tool.pixi.feature.*.pypi-dependencies", "feature.*.pypi-dependencies"),
)
_CONDA_TABLES = (
    *(
        "tool.pixi.dependencies",
        "tool.pixi.feature.*.dependencies",
        "tool.pixi.target.*.dependencies",
    ),
    *("dependencies", "feature.*.dependencies", "target.*.dependencies"),
)
_PIPFILE_TABLES = ("packages", "dev-packages")
_SOURCES = "tool.uv.sources"
_INDEXES = ("tool.uv.index", "tool.poetry.source", "source")
# Requirements files whose lines a build tool adds to the metadata.
_FILES = (
    *(
        "tool.setuptools.dynamic.dependencies.file",
        "tool.hatch.metadata.hooks.requirements_txt.files",
    ),
    "tool.setuptools.dynamic.optional-dependencies.*.file",
)


def parse_pyproject(path: str, text: str) -> tuple[Line, ...]:
    """Parse the requirements of a pyproject.toml: of its standards, and of the tools that it names.

    A requirement of a project on itself, with which one extra includes another, is left out: it
    pins nothing. So are those that uv installs from a folder of the repository.

    Raises:
        PyprojectError: The file is not TOML, or a list of requirements is not a list of strings.
    """
    document = _load(text)
    entries = list(_entries(document))
    line_numbers = _line_numbers(text, entries)
    sources = _table(document, tuple(_SOURCES.split(".")))
    left_out = {
        canonicalize_name(str(_descend(document, ("project", "name")) or "")),
        *map(canonicalize_name, first_party(path, sources)),
    }
    lines = (
        parse_requirement(path, number, entry.text, section=".".join(entry.keys))
        for entry, number in zip(entries, line_numbers, strict=True)
    )
    numbers = key_numbers(text)
    return (
        *(line for line in lines if line.kind is LineKind.INVALID or line.name not in left_out),
        *_tables(path, document, numbers, _TABLES),
        *_tables(path, document, numbers, _CONDA_TABLES, Spelling.CONDA_TABLE),
        *source_lines(path, _SOURCES, sources, numbers),
        *_indexes(path, document, numbers),
        *_included(path, document, numbers),
    )


def parse_pipfile(path: str, text: str) -> tuple[Line, ...]:
    """Parse the packages and sources of a Pipfile.

    Raises:
        PyprojectError: The file is not TOML.
    """
    document = _load(text)
    numbers = key_numbers(text)
    tables = _tables(path, document, numbers, _PIPFILE_TABLES)
    return (*tables, *_indexes(path, document, numbers))


def _tables(
    path: str,
    document: Mapping[str, object],
    numbers: Mapping[str, int],
    patterns: Iterable[str],
    spelling: Spelling = Spelling.TABLE,
) -> Iterator[Line]:
    for keys in _matching(document, patterns):
        section = ".".join(keys)
        yield from table_lines(path, section, _table(document, keys), numbers, spelling)


def _indexes(
    path: str, document: Mapping[str, object], numbers: Mapping[str, int]
) -> Iterator[Line]:
    for keys in _INDEXES:
        found = _descend(document, tuple(keys.split(".")))
        yield from index_lines(path, keys, found, numbers.get(keys, 1))


def _included(
    path: str, document: Mapping[str, object], numbers: Mapping[str, int]
) -> Iterator[Line]:
    for keys in _matching(document, _FILES):
        found = _descend(document, keys)
        section = ".".join(keys)
        number = max(numbers.get(".".join(keys[:end]), 1) for end in range(len(keys) + 1))
        for name in found if isinstance(found, list) else [found]:
            options = (Option("--requirement", str(name)),)
            yield Line(path, number, str(name), LineKind.OPTION, section, options=options)


def _table(document: object, keys: tuple[str, ...]) -> Mapping[str, object]:
    found = _descend(document, keys)
    return found if isinstance(found, dict) else {}


def _matching(document: object, patterns: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the document that patterns with `*` for any key match."""
    for pattern in patterns:
        matched: list[tuple[str, ...]] = [()]
        for part in pattern.split("."):
            matched = [
                (*keys, key)
                for keys in matched
                for key in (_table(document, keys) if part == "*" else (part,))
            ]
        yield from (keys for keys in matched if _descend(document, keys) is not None)


def _load(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise PyprojectError(f"it is not TOML, {error}") from error


def _entries(document: Mapping[str, object]) -> Iterator[_Entry]:
    for name in ("project.optional-dependencies", "dependency-groups"):
        table = _descend(document, tuple(name.split(".")))
        if table is not None and not isinstance(table, dict):
            raise PyprojectError(f"{name} is not a table of lists")
    for keys in _matching(document, _LISTS):
        listed = _descend(document, keys)
        if not isinstance(listed, list):
            if keys == ("dependencies",):
                # The packages of a pixi.toml.
                continue
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
