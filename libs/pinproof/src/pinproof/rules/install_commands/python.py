"""Reads the commands that a Python program runs, from the texts and lists in its source.

The grammar accepts every version of Python, whatever runs this.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Protocol

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from pinproof.rules.install_commands.command import (
    INSTALLERS,
    UNKNOWN,
    Command,
    Word,
    inner_scripts,
    is_call,
    shows,
)
from pinproof.rules.install_commands.installers import is_installer
from pinproof.rules.install_commands.python_values import Values, called_name, parts
from pinproof.rules.install_commands.syntax import descendants, parse, text_of


class ReadShell(Protocol):
    """Yields the commands of a shell script, given the number of its first line."""

    def __call__(self, text: str, /, *, line: int) -> Iterator[Command]:
        """Read a script."""


# Functions that run their first argument in a shell, and functions that start a program.
_SHELL = re.compile(r"system|popen|getoutput|getstatusoutput|create_subprocess_shell")
_STARTERS = re.compile(
    r"Popen|call|check_\w+|create_subprocess_exec|run|main|(?:exec|spawn)[lv]p?e?"
)
# Functions that install their arguments, and keywords and keys whose texts are installed.
_INSTALLS = re.compile(r"(?:uv_)?pip_install(?:_\w+)?|add_pip_packages?")
_IMPORTED = re.compile(r"^\s*from pip[\w.]* import (?:\w+ as )?(\w+)", re.MULTILINE)
_ENVIRONMENTS = re.compile(r".*(?:env|image).*", re.IGNORECASE)
_INSTALLED = re.compile(
    r"packages_to_install|(?:\w+_)?(?:pip|pypi|python|conda)_(?:requirements|packages|deps"
    r"|dependencies)|(?:extra_)?pip_install"
)
_ENVIRONMENT = re.compile(r"\w*env(?:ironment)?", re.IGNORECASE)
_VERBS = frozenset(
    {"add", "create", "download", "env", "inject", "install", "pip", "run", "sync", "tool", "wheel"}
)
_MAGIC = re.compile(rf"^\s*[%!]+\s*((?:\S*/)?(?:python\S* -m )?{INSTALLERS}\s.*)$", re.MULTILINE)
_LINE = re.compile(rf"(?<![\w.-]){INSTALLERS}[\"',\s]+(?:-\S+\s+)*(?:install|add|sync)\b")


def python_commands(text: str, read_shell: ReadShell, *, line: int = 1) -> Iterator[Command]:
    """Yield every command that a program starts, and those of each script that it runs in a shell.

    A command is also each text or list that calls an installer and that any function receives,
    unless the function only shows it. A line that cannot be parsed and names an installer is
    yielded as a call with an unknown argument.

    Args:
        text: The program.
        read_shell: Reads a script that the program runs in a shell.
        line: The number of the first line of the program.
    """
    for magic in _MAGIC.finditer(text):
        yield from read_shell(magic[1], line=line + text.count("\n", 0, magic.start(1)))
    text = _MAGIC.sub("pass", text)
    nodes = parse(text, _parser())
    program = _Program(Values(nodes), read_shell, line)
    program.aliases |= set(_IMPORTED.findall(text))
    for node in nodes:
        if node.type == "call" and called_name(node) != "split":
            yield from program.call(node)
    # What no call has received may be a command by itself.
    for node in nodes:
        if _is_list(node):
            yield from program.list(node)
        elif node.type == "call" and called_name(node) == "split":
            yield from program.call(node)
    yield from _unparsed(text, nodes, line)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_python.language()))


def _unparsed(text: str, nodes: list[Node], line: int) -> Iterator[Command]:
    rows: set[int] = set()
    for node in nodes:
        if node.type == "ERROR":
            rows |= set(range(node.start_point.row, node.end_point.row + 1))
    lines = text.split("\n")
    for row in sorted(rows):
        if _LINE.search(lines[row]) and not lines[row].lstrip().startswith("#"):
            written = Word(UNKNOWN, lines[row].strip())
            yield Command(line + row, (Word("pip", "pip"), Word("install", "install"), written))


class _Program:
    def __init__(self, values: Values, read_shell: ReadShell, line: int) -> None:
        self._values = values
        self._read_shell = read_shell
        self._line = line
        self._seen: set[int] = set()
        self.aliases: set[str] = set()

    def call(self, call: Node) -> Iterator[Command]:
        """Yield the commands of the arguments of a call."""
        function, arguments = (call.child_by_field_name(name) for name in ("function", "arguments"))
        if function is None or arguments is None or call.id in self._seen:
            return
        name, number = called_name(call), self._line + call.start_point.row
        given = [node for node in parts(arguments) if node.type != "keyword_argument"]
        keywords = {
            text_of(node.child_by_field_name("name")): value
            for node in parts(arguments)
            if node.type == "keyword_argument" and (value := node.child_by_field_name("value"))
        }
        for keyword, value in keywords.items():
            is_environment = _ENVIRONMENTS.fullmatch(name) and _is_list(self._values.known(value))
            if is_environment and keyword in ("pip", "packages", "requirements"):
                yield from _installing(keyword, tuple(self._words(value)), number)
            else:
                yield from self._keyword(keyword, value, number, is_shown=shows(name))
        if shows(name):
            self._seen |= {node.id for node in descendants(arguments)}
            return
        words = tuple(word for node in given for word in self._words(node))
        by_name = "pip.main" if name in self.aliases else text_of(function)
        words = (*_implied(by_name, words), *words)
        if len(words) > 1 and is_installer(words[0]) and " " in words[1].value:
            # A name and a text, as IPython's functions for its magics expect.
            words = (words[0], *(Word(part, part) for part in words[1].value.split()))
        if _STARTERS.fullmatch(name) or _calls(words):
            yield Command(number, words)
        first = self._values.value(given[0]) if given else ""
        in_shell = "shell" in keywords and text_of(keywords["shell"]) not in ("False", "None", "0")
        if first and (in_shell or _SHELL.fullmatch(name)) and not _is_list(given[0]):
            yield from self._script(first, number)
            return
        starts = bool(_STARTERS.fullmatch(name)) or any(
            _is_list(self._values.known(node)) for node in given[:1]
        )
        texts = [word.value for word in (words if starts or is_call(first) else words[:1])]
        scripts = [*filter(is_call, texts), *(inner_scripts(words) if starts else ())]
        for script in dict.fromkeys(scripts):
            yield from self._script(script, number)

    def list(self, node: Node) -> Iterator[Command]:
        """Yield the command of a list that no call has, if anything may receive it."""
        if node.id in self._seen or any(map(_is_list, parts(node))) or not self._is_given(node):
            return
        words = tuple(self._words(node))
        if _calls(words):
            yield Command(self._line + node.start_point.row, words)

    def _words(self, node: Node) -> Iterator[Word]:
        for source in {node, self._values.known(node)} if node.type != "string" else ():
            self._seen |= {
                each.id
                for each in descendants(source)
                if _is_list(each) or (each.type == "call" and called_name(each) == "split")
            }
        yield from self._values.words(node)

    def _is_given(self, node: Node) -> bool:
        parent = node.parent
        if parent is not None and parent.type in ("for_statement", "for_in_clause"):
            # Its words are read one by one.
            return False
        while parent is not None and not parent.type.endswith(("statement", "definition")):
            if parent.type == "comparison_operator":
                return False
            if parent.type == "assignment":
                name = text_of(parent.child_by_field_name("left"))
                return "." in name or name in self._values.given
            parent = parent.parent
        return True

    def _keyword(
        self, keyword: str, value: Node, number: int, *, is_shown: bool
    ) -> Iterator[Command]:
        words = tuple(self._words(value)) if value.type != "dictionary" else ()
        if _INSTALLED.fullmatch(keyword):
            yield from _installing(keyword, words, number)
        elif value.type in ("dictionary", "identifier") and _ENVIRONMENT.fullmatch(keyword):
            yield from self._environment(self._values.known(value), number)
        elif not (is_shown or shows(keyword)):
            if _calls(words):
                yield Command(number, words)
            for text in filter(is_call, (word.value for word in words)):
                yield from self._script(text, number)

    def _environment(self, node: Node, number: int) -> Iterator[Command]:
        for pair in descendants(node):
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if key is not None and value is not None and value.type != "dictionary":
                name = self._values.value(key)
                if name in ("pip", "packages") or _INSTALLED.fullmatch(name):
                    yield from _installing(name, tuple(self._words(value)), number)

    def _script(self, text: str, number: int) -> Iterator[Command]:
        yield from self._read_shell(text.replace(UNKNOWN, "${unknown}"), line=number)


def _is_list(node: Node) -> bool:
    return node.type in ("list", "tuple")


def _calls(words: tuple[Word, ...]) -> bool:
    return any(one.value in _VERBS and is_installer(tool) for tool, one in pairwise(words))


def _installing(name: str, words: tuple[Word, ...], number: int) -> Iterator[Command]:
    """Yield the installation of the texts of a keyword: names, or a requirements file."""
    files = [word for word in words if word.value.endswith((".txt", ".in"))]
    for word in words:
        option = (Word("-r", name),) if word in files else ()
        if word.value not in ("pip", "") and not word.value.startswith("--"):
            yield Command(number, (Word("pip", name), Word("install", name), *option, word))


def _implied(function: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words that a function puts before its own: `pip.main([...])`, `session.install(...)`."""
    owner, _, name = function.rpartition(".")
    owner = owner.rpartition(".")[2]
    pip, install = Word("pip", function), Word("install", function)
    first = words[0].value.split() if words else []
    if first[:1] == ["install"] and ("pip" in name or ("pip" in function and "main" in name)):
        return (pip,)
    if _INSTALLS.fullmatch(name):
        return (pip, install, *((Word("-r", function),) if "requirements" in name else ()))
    if (owner, name) == ("pip", "install") or (owner == "session" and name == "install"):
        return (pip, install)
    if owner == "session" and name == "conda_install":
        return (Word("conda", function), install)
    return ()
