"""Reads the commands of a shell script."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice, pairwise, product
from pathlib import PurePosixPath

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from pinproof.rules.install_commands.calls import is_call, is_harmless
from pinproof.rules.install_commands.command import UNKNOWN, Command, Script, Word
from pinproof.rules.install_commands.shell_words import Variables, value_of, words_of
from pinproof.rules.install_commands.syntax import descendants, parse, text_of
from pinproof.rules.install_commands.templates import without_expressions

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
_READING = ("command", "redirected_statement")
# Programs whose arguments are scripts, and options whose values are.
_RUNNERS = frozenset({"eval", "parallel", "ssh", "trap", "watch"})
_OPTIONS = re.compile(r"(?:--(?:command|run|exec|cmd|script|shell)|-[A-Za-z]*c)")
_JOINED = re.compile(r"--(?:command|run|exec|cmd|script|shell)=(.+)", re.DOTALL)
# The number of values of the variables of a command that are read.
_MOST = 16


def shell_commands(script: Script) -> Iterator[Command | Script]:
    """Yield every command of a script: in branches, functions, substitutions and here-documents."""
    nodes = parse(without_expressions(script.text), _parser())
    reader = _ShellReader(script, Variables(nodes, script.variables))
    for node in nodes:
        yield from reader.commands(node)


def shell_variables(text: str) -> dict[str, str]:
    """The values of the variables that a script sets once."""
    return Variables(parse(text, _parser()), {}).constants()


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


def _names(words: Sequence[Word]) -> list[str]:
    return [PurePosixPath(word.value).name for word in words]


class _ShellReader:
    def __init__(self, script: Script, variables: Variables) -> None:
        self._script = script
        self._variables = variables
        self._constants = variables.constants()
        self._settings = tuple(
            Word(f"{name}={variables.values[name][-1]}", name)
            for name in sorted(variables.exported)
            if _SETTING.fullmatch(name)
        )

    def commands(self, node: Node) -> Iterator[Command | Script]:
        """Yield the command of a node, if it is one, and the scripts in its words."""
        line = self._script.line + node.start_point.row
        if node.type == "command":
            for words in self._alternatives(node):
                yield Command(line, words, self._set(node))
                for text, name in inner_scripts(words):
                    yield self._inner(text, line, name)
                if words and words[0].value in ("echo", "printf"):
                    given = [word.value for word in words[1:] if not word.value.startswith("-")]
                    yield from self._read(" ".join(given).replace("\\n", "\n"), line, (), node)
        elif node.type in ("herestring_redirect", "heredoc_body"):
            is_document = node.type == "heredoc_body"
            text = text_of(node) if is_document else value_of(node.children[-1], self._constants)
            statement = node.parent
            while statement is not None and statement.type not in _READING:
                statement = statement.parent
            body = statement.child_by_field_name("body") or statement if statement else node
            readers = [each for each in descendants(body) if each.type == "command"]
            yield from self._read(text, line, self._readers(readers), body)
        elif node.type == "ERROR":
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
        return (
            *self._settings,
            *(
                Word(f"{name}={value_of(value, self._constants)}", text_of(child))
                for child in command.children
                if child.type == "variable_assignment"
                and _SETTING.fullmatch(name := text_of(child.child_by_field_name("name")))
                and (value := child.child_by_field_name("value"))
            ),
        )

    def _alternatives(self, command: Node) -> Iterator[tuple[Word, ...]]:
        """Yield the words of a command for each value that its variables may have."""
        names = self._variables.several(command)
        choices = product(*(self._variables.values[name] for name in names))
        yield from dict.fromkeys(
            tuple(
                self._words(command, {**self._constants, **dict(zip(names, chosen, strict=True))})
            )
            for chosen in islice(choices, _MOST)
        )

    def _words(self, command: Node, constants: Mapping[str, str]) -> Iterator[Word]:
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
            yield from words_of(group, constants)

    def _readers(self, commands: Sequence[Node]) -> tuple[Word, ...]:
        return tuple(word for each in commands for word in self._words(each, self._constants))

    def _outputs(self, node: Node) -> Iterator[str]:
        """Yield the programs that read the output of a node, and the scripts that it writes."""
        words: list[Word] = []
        statement: Node | None = node
        while statement is not None and not statement.type.endswith(("program", "definition")):
            within = [each for each in descendants(statement) if each.start_byte > node.start_byte]
            if statement.type == "redirected_statement":
                for each in within:
                    if each.type == "file_redirect" and each.start_byte >= node.end_byte:
                        target = PurePosixPath(value_of(each.children[-1], self._constants)).name
                        if _SCRIPT_NAME.fullmatch(target):
                            yield "python" if target.endswith(".py") else "sh"
                within = [
                    each
                    for pipeline in within
                    if pipeline.type == "pipeline"
                    for each in descendants(pipeline)
                ]
            if statement.type in ("pipeline", "redirected_statement"):
                words += self._readers([each for each in within if each.type == "command"])
            statement = statement.parent
        yield from _interpreters(words)

    def _read(
        self, text: str, line: int, readers: tuple[Word, ...], node: Node
    ) -> Iterator[Command | Script]:
        """Yield a text that programs read, or that is written into a script, as a script."""
        programs = {*_interpreters(readers), *self._outputs(node)}
        first = text.lstrip().partition("\n")[0]
        if any(map(_PYTHON.fullmatch, programs)) or (first.startswith("#!") and "python" in first):
            yield self._inner(text, line, ".py")
        elif programs or first.startswith("#!"):
            yield self._inner(text, line)
        elif readers and not is_harmless(readers):
            inner = self._inner(text, line)
            for each in shell_commands(inner):
                if isinstance(each, Script) or is_call(" ".join(w.value for w in each.words) + " "):
                    yield each

    def _inner(self, text: str, line: int, name: str = ".sh") -> Script:
        if name == ".sh":
            text = text.replace(UNKNOWN, "${unknown}")
        return Script(text, name, line, self._constants, self._script.depth + 1)


def _interpreters(words: Sequence[Word]) -> Iterator[str]:
    """Yield the shells and pythons among words, and a shell for `tee` into a script."""
    found = _names(words)
    yield from (name for name in found if name in _SHELLS or _PYTHON.fullmatch(name))
    if "tee" in found and any(map(_SCRIPT_NAME.fullmatch, found)):
        yield "sh"
