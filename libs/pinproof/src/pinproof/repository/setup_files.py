"""Reads the requirements of setup.cfg, tox.ini and setup.py, and of a program's script block."""

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser, Error

from pinproof.repository.pyproject import PyprojectError, parse_pyproject
from pinproof.repository.requirements import Line, LineKind, Option, parse_line, parse_requirement

SCRIPT_BLOCK = b"# /// script"
"""What a program with a script block contains."""

_LISTS = ("install_requires", "setup_requires", "tests_require", "extras_require", "requires")
# The lists of requirements, by section and key. A section of extras has one list a key.
_KEYS = re.compile(
    r"options\.(?:install_requires|setup_requires|tests_require)|options\.extras_require\..*"
    r"|testenv(?::[^.]*)?\.deps|tox\.requires"
)
_FACTOR = re.compile(r"^[\w.{},!-]+:\s+")
_FILE = re.compile(r"^file:\s*(.*)$")
_BLOCK = re.compile(r"^# /// script\s*$\n(?P<body>(?:^#(?: .*)?$\n?)+?)^# ///\s*$", re.MULTILINE)


class SetupError(ValueError):
    """The file is not valid."""


class ComputedError(Exception):
    """The requirements of the file are known only when it runs."""


def parse_ini(path: str, text: str) -> tuple[Line, ...] | None:
    """Parse the requirements of a setup.cfg or tox.ini; None if it has none.

    Raises:
        SetupError: The file cannot be parsed.
    """
    parser = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except Error as error:
        raise SetupError("it cannot be parsed") from error
    lines: list[Line] = []
    for section in parser.sections():
        for key, value in parser.items(section):
            if value and _KEYS.fullmatch(f"{section}.{key}"):
                lines += _ini_lines(path, text, f"{section}.{key}", value)
    return tuple(lines) or None


def _ini_lines(path: str, text: str, section: str, value: str) -> Iterator[Line]:
    name = section.rpartition(".")[2]
    start = re.search(rf"^{re.escape(name)}\s*[=:]", text, re.MULTILINE | re.IGNORECASE)
    place = start.start() if start else 0
    for written in value.split("\n"):
        entry = written.partition(" #")[0].strip()
        if not entry or entry.startswith("#") or "{[" in entry:
            # A reference to another section of tox.ini, which is read itself.
            continue
        found = text.find(written, place)
        number = text.count("\n", 0, max(found, 0)) + 1
        if files := _FILE.match(entry):
            for each in files[1].split(","):
                yield _include(path, number, each.strip(), section)
        else:
            yield parse_line(path, number, _FACTOR.sub("", entry))


def _include(path: str, number: int, name: str, section: str) -> Line:
    options = (Option("--requirement", name),)
    return Line(path, number, name, LineKind.OPTION, section, options=options)


def parse_setup_py(path: str, text: str) -> tuple[Line, ...]:
    """Parse the lists that a setup.py passes to `setup`, if they are written in it.

    Raises:
        SetupError: The file is not a program.
        ComputedError: A list is computed.
    """
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SetupError("it cannot be parsed") from error
    names = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    lines: list[Line] = []
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setup"):
            for keyword in node.keywords:
                if keyword.arg in _LISTS:
                    lines += _setup_lines(path, keyword.arg, keyword.value, names)
    return tuple(lines)


def _setup_lines(
    path: str, section: str, value: ast.expr, names: dict[str, ast.expr]
) -> Iterator[Line]:
    if isinstance(value, ast.Name) and value.id in names:
        value = names.pop(value.id)
    if isinstance(value, ast.Dict):
        for key, each in zip(value.keys, value.values, strict=True):
            name = f".{key.value!s}" if isinstance(key, ast.Constant) else ""
            yield from _setup_lines(path, f"{section}{name}", each, dict(names))
        return
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        yield from _setup_lines(path, section, value.left, dict(names))
        yield from _setup_lines(path, section, value.right, dict(names))
        return
    texts = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    for each in texts:
        if not isinstance(each, ast.Constant) or not isinstance(each.value, str):
            raise ComputedError(f"{section} is computed")
        for text in each.value.split("\n"):
            if text.strip():
                yield parse_requirement(path, each.lineno, text.strip(), section=section)


def parse_script_block(path: str, text: str) -> tuple[Line, ...] | None:
    """Parse the script block of a program, PEP 723; None if it has none.

    Raises:
        SetupError: The block is not TOML, or its dependencies are not a list of strings.
    """
    block = _BLOCK.search(text)
    if block is None:
        return None
    before = text.count("\n", 0, block.start("body"))
    body = re.sub(r"^# ?", "", block["body"], flags=re.MULTILINE)
    try:
        return parse_pyproject(path, "\n" * before + body)
    except PyprojectError as error:
        raise SetupError(str(error)) from error
