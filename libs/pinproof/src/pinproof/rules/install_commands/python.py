"""Reads the commands that a Python program runs, from the values that it gives to functions.

The grammar accepts every version of Python, whatever runs this.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from pinproof.repository.installer_words import INSTALLERS
from pinproof.rules.install_commands.calls import is_call, shows, starts
from pinproof.rules.install_commands.command import UNKNOWN, Command, Script, Word
from pinproof.rules.install_commands.data import (
    FUNCTION,
    Place,
    implied_commands,
    implied_words,
    list_commands,
    mapping_commands,
    value_commands,
)
from pinproof.rules.install_commands.installers import is_installer
from pinproof.rules.install_commands.python_values import (
    EXTENDS,
    VALUE_FUNCTIONS,
    Values,
    arguments_of,
    called_name,
    owner_of,
)
from pinproof.rules.install_commands.structure import Text, Value, split, texts_of, word_of
from pinproof.rules.install_commands.syntax import parse, parts, text_of

_WRITERS = EXTENDS | {"join", "write", "write_text", "writelines"}
_INSTRUCTION = re.compile(r"^[ \t]*(?:ONBUILD[ \t]+)?RUN[ \t]", re.MULTILINE)
_GAP = re.compile(r"[\s\\]+")
_IMPORTED = re.compile(r"^\s*from pip[\w.]* import (?:\w+ as )?(\w+)", re.MULTILINE)
# `!command`, `%pip install`, `x = !command`, also in the comments that Databricks writes.
_MAGIC = re.compile(
    r"^([ \t]*)(?:# MAGIC +|(?:[\w, ]+=[ \t]*)?(?=[%!]))(?:[%!]+(?:(?:sx|sh|system)\b)?)?"
    rf"(.*\b{INSTALLERS}\s.*)$",
    re.MULTILINE,
)
# Values of Python in a magic.
_VALUE = re.compile(r"\{sys\.executable\}|\$sys\.executable|\{[^{}]*\}")
_LINE = re.compile(rf"(?<![\w.-]){INSTALLERS}[\"',\s]+(?:-\S+\s+)*(?:install|add|sync)\b")


def python_commands(script: Script) -> Iterator[Command | Script]:
    """Yield every command that a program starts, and each script that it runs in a shell.

    A command is also each text or list that calls an installer and that any function receives,
    unless the function only shows it. A line that cannot be parsed and names an installer is
    yielded as a call with an unknown argument.
    """
    text = script.text
    for magic in _MAGIC.finditer(text):
        command = _VALUE.sub(
            lambda found: "python" if "sys.executable" in found[0] else "${value}", magic[2]
        )
        line = script.line + text.count("\n", 0, magic.start(2))
        yield Script(command.strip(), ".sh", line, depth=script.depth + 1)
    text = _MAGIC.sub(r"\1pass", text)
    nodes = parse(text, _parser())
    program = _Program(nodes, script, frozenset(_IMPORTED.findall(text)))
    for node in nodes:
        yield from program.commands(node)
    yield from _unparsed(text, nodes, script.line)


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
    def __init__(self, nodes: list[Node], script: Script, aliases: frozenset[str]) -> None:
        self._values = Values(nodes, script.line)
        self._line = script.line
        self._depth = script.depth + 1
        self._aliases = aliases

    def commands(self, node: Node) -> Iterator[Command | Script]:
        """Yield the commands of what a node gives to a function, to a loop or to a caller."""
        match node.type:
            case "call":
                if called_name(node) in _WRITERS:
                    yield from self._written(arguments_of(node)[0])
                yield from self._call(node)
            case "return_statement" | "yield":
                for each in parts(node)[:1]:
                    yield from self._written([each])
                    yield from self._list(self._values.value(each), "")
            case "augmented_assignment":
                yield from self._written(parts(node)[1:])
            case "for_statement" | "for_in_clause":
                right = node.child_by_field_name("right")
                # Its items are read one by one.
                items = self._values.value(right) if right else None
                for item in items if isinstance(items, list) else ():
                    yield from self._list(item, "")
            case "assignment" | "default_parameter" | "typed_default_parameter":
                name = text_of(node.child_by_field_name("left") or node.child_by_field_name("name"))
                value = node.child_by_field_name("right") or node.child_by_field_name("value")
                if value is not None and (node.type != "assignment" or "." in name):
                    yield from self._list(self._values.value(value), name if starts(name) else "")

    def _written(self, nodes: Sequence[Node]) -> Iterator[Script]:
        """Yield each text that is an instruction of a Dockerfile, which the program writes."""
        for text in texts_of([self._values.value(node) for node in nodes]):
            if _INSTRUCTION.search(text):
                known = text.replace(UNKNOWN, "${unknown}")
                yield Script(known, "Dockerfile", text.line, depth=self._depth)

    def _list(self, value: Value, key: str) -> Iterator[Command | Script]:
        if not isinstance(value, Text):
            yield from value_commands(value, self._place(key))

    def _place(self, key: str) -> Place:
        return Place(key, is_program=True, depth=self._depth)

    def _call(self, call: Node) -> Iterator[Command | Script]:
        """Yield the commands of the arguments of a call."""
        name, (given, keywords) = called_name(call), arguments_of(call)
        if name in EXTENDS:
            # What a list is extended with is a part of its value, unless it has commands.
            name = text_of(owner_of(call)).rpartition(".")[2]
            if not starts(name):
                return
        if name in VALUE_FUNCTIONS:
            return
        # A chain of methods may have a method a line.
        path = _GAP.sub("", text_of(call.child_by_field_name("function")))
        path = "pip.main" if name in self._aliases else path
        named = {key: self._values.value(node) for key, node in keywords.items()}
        values = [self._values.value(node) for node in given]
        if _is_shown(call, name):
            for key, value in named.items():
                yield from implied_commands(list(texts_of(value)), Place(key, path))
            return
        place = self._place(path)._replace(owner=FUNCTION, is_given=True)
        yield from mapping_commands(named)
        for key, value in named.items():
            yield from value_commands(value, place._replace(key=key, owner=path))
        first = values[0] if values else None
        if isinstance(first, Text):
            texts = list(texts_of(values))
            if len(texts) > 1 and is_installer(word_of(first)) and " " in texts[1]:
                # A name and a text, as IPython's functions for its magics expect.
                texts[1:2] = split(texts[1])
            yield from list_commands(texts, place)
            if implied_words(texts, place):
                return
            if not (starts(name) or is_call(first)):
                values = [first, *(value for value in values if not isinstance(value, Text))]
        for value in values:
            yield from value_commands(value, place)


def _is_shown(call: Node, name: str) -> bool:
    """Whether the texts of a call are for people: it, an error or an outer call shows them."""
    parent: Node | None = call
    while not starts(name) and parent is not None and not parent.type.endswith("definition"):
        if parent.type in ("raise_statement", "assert_statement"):
            return True
        if shows(called_name(parent) if parent is not call else name):
            return True
        parent = parent.parent
    return False
