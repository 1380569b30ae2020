"""Commands and scripts, as far as they are known without running them."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

UNKNOWN = "\0"
"""The placeholder in a word for a value that is known only at run time."""

_NAME = re.compile(r"\W+", re.ASCII)
# Expressions of Jinja, Helm and workflows, and of Terraform and Ruby.
_EXPRESSION = re.compile(r"\$?\{\{-?([^{}]*)-?\}\}|\$\{((?:var|local)\.[^}]*)\}|#\{([^{}]*)\}")
# Statements of templates, and expressions that are a line, such as `{{- if .Values.x }}`.
_STATEMENT = re.compile(
    r"\{%(?:(?!\{%).)*?%\}|(?<!\$)\{#(?:(?!\{#).)*?#\}|\{\{/\*.*?\*/-?\}\}"
    r"|^[ \t]*\{\{[^{}]*\}\}[ \t]*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command.

    Attributes:
        value: The word that the command receives, with `UNKNOWN` for each unknown part.
        source: The word as written, for messages.
    """

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments.

    Attributes:
        line: The number of its first line, from 1.
        words: The program and its arguments.
        settings: The variables of its environment that the script sets, such as `PIP_PRE=1`.
    """

    line: int
    words: tuple[Word, ...]
    settings: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A text with commands, alone or within another text.

    Attributes:
        text: The text.
        name: The name of its file, or `.sh` or `.py` for a part of a file.
        line: The number of its first line.
        variables: The known variables of its environment.
        depth: The number of scripts that contain it.
    """

    text: str
    name: str = ".sh"
    line: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0


Reader = Callable[[Script], Iterator[Command | Script]]
"""Yields the commands of a script, and the scripts within it that are of any language."""


def unknown_variable(what: str) -> str:
    """A shell variable that replaces an expression of another language in a script."""
    return "${" + (_NAME.sub("_", what).strip("_") or "unknown") + "}"


def split_words(text: str) -> list[str]:
    """The words of a text, without the quotes of a shell if they are in pairs."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def without_expressions(text: str) -> str:
    """The text with each expression of a template replaced by an unknown variable."""
    if "{" not in text:
        return text
    text = _STATEMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    return _EXPRESSION.sub(
        lambda match: unknown_variable(match[1] or match[2] or match[3] or ""), text
    )
