"""Reads the commands of a shell script."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from pinproof.rules.install_commands.calls import is_call, is_harmless
from pinproof.rules.install_commands.command import (
    UNKNOWN,
    Command,
    Script,
    Word,
    without_expressions,
)
from pinproof.rules.install_commands.shell_words import Variables, value_of, words_of
from pinproof.rules.install_commands.syntax import descendants, parse, text_of

_SHELLS = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"})
_PYTHON = re.compile(r"(?:python|py|pypy)[\d.]*")
_ARGUMENTS = frozenset(
    {"ansi_c_string", "arithmetic_expansion", "brace_expression", "command_substitution"}
    | {"concatenation", "expansion", "number", "process_substitution", "raw_string"}
    | {"simple_expansion", "string", "translated_string", "word", "command_name"}
)
_SCRIPT_NAME = re.compile(
    r".*\.(?:sh|bash|zsh|ksh|command|py)|(?:.*\.)?Dockerfile.*|.*(?:rc|profile|install|setup|run)"
)
_SETTING = re.compile(r"(?:PIP|UV)_\w+")
_SEPARATORS = re.compile(r"&&|\|\||[;|]|(?:^|\s)#.*")
# Statements whose parts receive the text of others.
_PASSING = ("heredoc_redirect", "pipeline", "redirected_statement")
# Programs whose arguments are scripts, and options whose values are.
_RUNNERS = frozenset({"eval", "parallel", "ssh", "trap", "watch"})
_OPTIONS = re.compile(r"(?:--(?:command|run|exec|cmd|script|shell)|-[A-Za-z]*c)")
_JOINED = re.compile(r"--(?:command|run|exec|cmd|script|shell)=(.+)", re.DOTALL)


def shell_commands(script: Script) -> Iterator[Command | Script]:
    """Yield every command of a script: in branches, functions, substitutions and here-documents."""
    nodes = parse(without_expressions(script.text), _parser())
    reader = _ShellReader(script, Variables(nodes, script.variables))
    for node in nodes:
        yield from reader.commands(node)


def shell_variables(text: str) -> dict[str, str]:
    """The values of the variables that a script sets once."""
    return Variables(parse(text, _parser()), {}).constants


def inner_scripts(words: Sequence[Word]) -> Iterator[tuple[str, str]]:
    """Yield the scripts that are words of a command, and their names: `bash -c "..."`, `eval x`.

    For a program that is unknown, a word is a script if it calls an installer.
    """
    if is_harmless(words):
        return
    program = PurePosixPath(words[0].value).name
    if program == "eval":
        yield " ".join(word.value for word in words[1:]), ".sh"
        return
    for before, word in pairwise([word for word in words if word.value != "--"]):
        if _PYTHON.fullmatch(program):
            if before.value == "-c":
                yield word.value, ".py"
        elif joined := _JOINED.fullmatch(word.value):
            yield joined[1], ".sh"
        elif not any(character in word.value for character in " \n\t"):
            continue
        elif program in _RUNNERS or _OPTIONS.fullmatch(before.value) or is_call(word.value):
            yield word.value, ".sh"


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


class _ShellReader:
    def __init__(self, script: Script, variables: Variables) -> None:
        self._script = script
        self._variables = variables
        self._constants = variables.constants
        self._settings = tuple(
            Word(f"{name}={variables.values[name][-1]}", name)
            for name in sorted(variables.exported)
            if _SETTING.fullmatch(name)
        )

    def commands(self, node: Node) -> Iterator[Command | Script]:
        """Yield the command of a node, if it is one, and the scripts in its words."""
        line = self._script.line + node.start_point.row
        match node.type:
            case "command":
                choices = self._variables.choices(node)
                for words in dict.fromkeys(tuple(self._words(node, each)) for each in choices):
                    yield Command(line, words, self._set(node))
                    for text, name in inner_scripts(words):
                        yield self._inner(text, line, name)
                    if words and words[0].value in ("echo", "printf"):
                        given = [word.value for word in words[1:] if word.value[:1] != "-"]
                        yield from self._read(" ".join(given).replace("\\n", "\n"), line, node)
            case "heredoc_body":
                yield from self._read(text_of(node), line, node)
            case "herestring_redirect":
                yield from self._read(value_of(node.children[-1], self._constants), line, node)
            case "ERROR":
                yield from self._unparsed(text_of(node), line)

    @staticmethod
    def _unparsed(text: str, line: int) -> Iterator[Command]:
        """Read text that cannot be parsed word by word."""
        for number, each in enumerate(text.replace("\\\n", "  ").split("\n"), start=line):
            for part in _SEPARATORS.split(each):
                words = tuple(Word(word.strip("\"'`(){};"), word) for word in part.split())
                yield Command(number, words)

    def _set(self, command: Node) -> tuple[Word, ...]:
        """The settings of installers that apply to a command."""
        own = (
            Word(f"{name}={value_of(value, self._constants)}", text_of(child))
            for child in command.children
            if child.type == "variable_assignment"
            and _SETTING.fullmatch(name := text_of(child.child_by_field_name("name")))
            and (value := child.child_by_field_name("value"))
        )
        return (*self._settings, *own)

    def _words(self, command: Node, values: Mapping[str, str]) -> Iterator[Word]:
        groups: list[list[Node]] = []
        for node in command.children:
            if node.type in _ARGUMENTS:
                # The parser splits some words without a space, such as 'a'\b.
                if not groups or groups[-1][-1].end_byte != node.start_byte:
                    groups.append([])
                groups[-1].append(node)
        parent = command.parent
        for redirect in parent.children if parent and parent.type == "redirected_statement" else ():
            # `install >log numpy`: the parser adds the words that follow to the redirection.
            if redirect.type == "file_redirect":
                words = [child for child in redirect.children if child.type in _ARGUMENTS]
                groups += [[word] for word in words[1:]]
        for group in groups:
            yield from words_of(group, values)

    def _receivers(self, node: Node) -> Iterator[Node]:
        """Yield the commands and the redirections into files that receive the text of a node."""
        while (outer := node.parent) and not outer.type.endswith(("program", "definition")):
            if outer.type == "command":
                # A substitution ends here: its output is a word.
                yield from [outer] * (node.type == "herestring_redirect")
                return
            for sibling in outer.named_children if outer.type in _PASSING else ():
                is_later = sibling.start_byte > node.start_byte
                for each in descendants(sibling) if is_later or outer.type != "pipeline" else ():
                    is_next = each.parent is not None and each.parent.type == "heredoc_redirect"
                    if each.type == "file_redirect" or (each.type == "command" and not is_next):
                        yield each
            node = outer

    def _read(self, text: str, line: int, node: Node) -> Iterator[Command | Script]:
        """Yield a text that programs read, or that is written into a script, as a script."""
        receivers = [each for each in self._receivers(node) if each != node]
        words = [
            word
            for each in receivers
            if each.type == "command"
            for word in self._words(each, self._constants)
        ]
        files = [
            value_of(each.children[-1], self._constants)
            for each in receivers
            if each.type == "file_redirect"
        ]
        names = [PurePosixPath(word.value).name for word in words]
        targets = [PurePosixPath(file).name for file in files] + names * ("tee" in names)
        scripts = [name for name in targets if _SCRIPT_NAME.fullmatch(name)]
        first = text.lstrip().partition("\n")[0] if text.lstrip().startswith("#!") else ""
        if "python" in first or any(
            _PYTHON.fullmatch(each) or each.endswith(".py") for each in (*names, *scripts)
        ):
            yield self._inner(text, line, ".py")
        elif first or scripts or not _SHELLS.isdisjoint(names):
            yield self._inner(text, line)
        elif words and node.type != "command" and not is_harmless(words):
            for each in shell_commands(self._inner(text, line)):
                if isinstance(each, Script) or is_call(" ".join(w.value for w in each.words) + " "):
                    yield each

    def _inner(self, text: str, line: int, name: str = ".sh") -> Script:
        if name == ".sh":
            text = text.replace(UNKNOWN, "${unknown}")
        return Script(text, name, line, self._constants, self._script.depth + 1)
