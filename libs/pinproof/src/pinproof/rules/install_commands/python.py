"""Reads the commands that a Python program runs, from the strings in its source."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from pinproof.rules.install_commands.command import UNKNOWN, Command, Word, inner_scripts
from pinproof.rules.install_commands.installers import is_installer


class ReadShell(Protocol):
    """Yields the commands of a shell script, given the number of its first line."""

    def __call__(self, text: str, /, *, line: int) -> Iterator[Command]:
        """Read a script."""


# Functions that run their first argument in a shell.
_SHELL_FUNCTIONS = frozenset(
    {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
)
# Functions that start a program.
_STARTERS = frozenset(
    {"Popen", "call", "check_call", "check_output", "create_subprocess_exec", "run"}
    | {f"{kind}{form}" for kind in ("exec", "spawn") for form in ("l", "le", "lp", "lpe")}
    | {f"{kind}{form}" for kind in ("exec", "spawn") for form in ("v", "ve", "vp", "vpe")}
    | {"main"}
)
# Subcommands of installers.
_VERBS = frozenset(
    {"add", "create", "download", "env", "inject", "install", "pip", "run", "sync", "tool", "wheel"}
)
_SPLITTERS = frozenset({"split"})
_PASSED_ON = frozenset({"str", "Path", "PurePath", "PosixPath", "fspath", "as_posix", "resolve"})


def python_commands(text: str, read_shell: ReadShell, *, line: int = 1) -> Iterator[Command]:
    """Yield every command that a program starts, and those of each script that it runs in a shell.

    An installer followed by one of its subcommands in a list, a tuple or the arguments of any call
    is a command too, because a function of the program may start it.

    Args:
        text: The program.
        read_shell: Reads a script that the program runs in a shell.
        line: The number of the first line of the program.

    Raises:
        SyntaxError: The text is not a Python program.
    """
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    constants = _constants(nodes)
    for node in nodes:
        number = line - 1 + getattr(node, "lineno", 1)
        if isinstance(node, ast.List | ast.Tuple):
            words = tuple(_words(node.elts, constants))
            if _installs(words):
                yield Command(number, words)
        elif isinstance(node, ast.Call):
            words = (*_pip_itself(node), *_words(node.args, constants))
            if _name(node) in _STARTERS or _installs(words):
                yield Command(number, words)
            scripts = [*_shell_texts(node, constants), *inner_scripts(words)]
            for script in scripts:
                yield from read_shell(script.replace(UNKNOWN, "${unknown}"), line=number)


def _constants(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """The names with a single assignment of a known text."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name].append(_value(value, {}))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values[name].append(_value(value, {}))
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                values[name].append(UNKNOWN)
    # The walk also yields the name on the left of an assignment by itself.
    return {
        name: known[0]
        for name, given in values.items()
        if len(known := [value for value in given if value != UNKNOWN]) == 1 and len(given) <= 2  # noqa: PLR2004
    }


def _words(nodes: Sequence[ast.expr], constants: Mapping[str, str]) -> Iterator[Word]:
    for node in nodes:
        if isinstance(node, ast.Starred):
            if isinstance(node.value, ast.List | ast.Tuple):
                yield from _words(node.value.elts, constants)
            else:
                yield Word(UNKNOWN, ast.unparse(node))
        elif isinstance(node, ast.List | ast.Tuple):
            yield from _words(node.elts, constants)
        else:
            value = _value(node, constants)
            # Messages quote a known value, or else the expression.
            yield Word(value, ast.unparse(node) if UNKNOWN in value else value)


def _value(node: ast.expr, constants: Mapping[str, str]) -> str:  # noqa: PLR0911 - one for each form
    """The text of an expression, with UNKNOWN for each part that is known only at run time."""
    match node:
        case ast.Constant(value=str(text)):
            return text.replace(UNKNOWN, "")
        case ast.Name(id=name):
            return constants.get(name, UNKNOWN)
        case ast.Attribute(attr="executable"):
            return "python"
        case ast.JoinedStr(values=values):
            return "".join(_value(value, constants) for value in values)
        case ast.FormattedValue(value=value):
            return _value(value, constants)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, constants) + _value(right, constants)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return f"{_value(left, constants)}/{_value(right, constants)}"
        case ast.Call(func=ast.Name(id=name), args=[only]) if name in _PASSED_ON:
            return _value(only, constants)
        case ast.Call(func=ast.Attribute(attr=name), args=[only]) if name in _PASSED_ON:
            return _value(only, constants)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=[]) if name in _PASSED_ON:
            return _value(value, constants)
        case _:
            return UNKNOWN


def _installs(words: Sequence[Word]) -> bool:
    return any(one.value in _VERBS and is_installer(tool) for tool, one in pairwise(words))


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ast.unparse(call.func)


def _pip_itself(call: ast.Call) -> tuple[Word, ...]:
    """The program of `pip.main([...])`, under any of its past names."""
    if not _name(call).endswith("main"):
        return ()
    function = ast.unparse(call.func)
    if function.startswith("pip.") and function.endswith("main"):
        return (Word("pip", function),)
    return ()


def _shell_texts(call: ast.Call, constants: Mapping[str, str]) -> Iterator[str]:
    name = _name(call)
    with_shell = any(
        keyword.arg == "shell" and getattr(keyword.value, "value", True)
        for keyword in call.keywords
    )
    if call.args and (name in _SHELL_FUNCTIONS or with_shell):
        first = call.args[0]
        if not isinstance(first, ast.List | ast.Tuple):
            yield _value(first, constants)
    elif name in _SPLITTERS and isinstance(call.func, ast.Attribute):
        # shlex.split("pip install x"), and "pip install x".split()
        is_method = not call.args
        for subject in (call.func.value,) if is_method else call.args[:1]:
            text = _value(subject, constants)
            if " " in text:
                yield text
