"""Reads the commands of a Makefile: its recipes, with known variables expanded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pinproof.rules.install_commands.command import Command, unknown_variable
from pinproof.rules.install_commands.makefile_variables import MakefileVariables
from pinproof.rules.install_commands.shell import shell_commands

_ASSIGNMENT = re.compile(
    r"^(?:(?:export|override|private|unexport)\s+)*([\w.-]+)\s*(:::?=|::?=|\?=|\+=|!=|=)\s*(.*)$",
    re.DOTALL,
)
_DEFINE = re.compile(r"^(?:(?:export|override)\s+)*define\s+([\w.-]+)")
_DIRECTIVE = re.compile(r"^(ifn?eq|ifn?def|else|endif|-?include|sinclude|export|unexport|vpath)\b")
_CALLED = re.compile(r"^\$[({](?:eval|foreach|call)\s")


def makefile_commands(text: str) -> Iterator[Command]:
    """Yield the commands of every recipe, of `$(shell ...)` and of `NAME != ...`.

    Both branches of a condition are read. Included files are read separately.
    """
    makefile = _Makefile()
    makefile.read(text, 1)
    for line, script in makefile.scripts():
        yield from shell_commands(script, line=line)


@dataclass(slots=True)
class _Rule:
    """A rule with its recipe."""

    targets: str
    prerequisites: str
    recipe: list[tuple[int, str]] = field(default_factory=list)


class _Makefile:
    """The variables and rules of a Makefile, read line by line."""

    def __init__(self) -> None:
        self._variables = MakefileVariables()
        self._bodies: dict[str, int] = {}
        self._rules: list[_Rule] = []
        self._scripts: list[tuple[int, str]] = []

    def scripts(self) -> Iterator[tuple[int, str]]:
        """Yield the texts that make runs in a shell, with the number of their first line."""
        for name, line in list(self._bodies.items()):
            # A body that is never called is read unexpanded.
            if name not in self._variables.called:
                self.read(self._variables.variables[name], line)
        for rule in self._rules:
            targets = self._variables.expand(rule.targets).split()
            prerequisites = self._variables.expand(rule.prerequisites).split()
            automatic = {
                "@": targets[0] if len(targets) == 1 else unknown_variable("target"),
                "<": prerequisites[0] if prerequisites else unknown_variable("prerequisite"),
                "^": " ".join(prerequisites),
                "+": " ".join(prerequisites),
            }
            for line, text in rule.recipe:
                yield line, self._variables.expand(text, automatic).lstrip("@+- \t")
        yield from self._scripts
        yield from ((1, command) for command in self._variables.shell)

    def read(self, text: str, first: int) -> None:
        """Read a text, given the number of its first line."""
        rule: _Rule | None = None
        body: list[str] | None = None
        name = ""
        for number, line in _logical_lines(text, first):
            stripped = line.strip()
            if body is not None:
                if stripped == "endef":
                    self._variables.variables[name] = "\n".join(body)
                    body = None
                else:
                    body.append(line)
            elif defined := _DEFINE.match(stripped):
                name, body = defined[1], []
                self._bodies[name] = number + 1
                self._variables.variables[name] = ""
            elif line.startswith("\t") and rule is not None:
                rule.recipe.append((number, line[1:]))
            elif stripped and not stripped.startswith("#"):
                rule = self._statement(number, _without_comment(stripped), rule)

    def _statement(self, number: int, text: str, rule: _Rule | None) -> _Rule | None:
        """Read a line outside of recipes. Returns the rule that recipe lines below it belong to."""
        if assignment := _ASSIGNMENT.match(text):
            self._assign(number, *assignment.groups())
        elif _CALLED.match(text):
            for generated in self._variables.evaluate(text):
                called = self._variables.called.get(generated.name, 0)
                self.read(generated.text, self._bodies.get(generated.name, called or number))
        elif not _DIRECTIVE.match(text) and ":" in text:
            return self._rule(number, text)
        return rule

    def _assign(self, number: int, name: str, operator: str, value: str) -> None:
        variables = self._variables.variables
        if operator == "!=":
            self._scripts.append((number, self._variables.expand(value)))
            variables[name] = unknown_variable(name)
        elif operator == "+=" and name in variables:
            variables[name] += f" {value}"
        else:
            variables[name] = value

    def _rule(self, number: int, text: str) -> _Rule:
        header, _, inline = text.partition(";")
        targets, _, rest = header.partition(":")
        # A static pattern rule has a target pattern before the prerequisites.
        prerequisites = rest.lstrip(":").rpartition(":")[2].replace("|", " ")
        rule = _Rule(targets, prerequisites)
        if inline.strip():
            rule.recipe.append((number, inline))
        if not _ASSIGNMENT.match(rest.strip()):
            self._rules.append(rule)
        return rule


def _logical_lines(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Yield each logical line with the number of its first line."""
    parts: list[str] = []
    start = first
    for number, line in enumerate(text.split("\n"), start=first):
        if not parts:
            start = number
        parts.append(line)
        if not line.endswith("\\"):
            yield start, "\n".join(parts)
            parts = []
    if parts:
        yield start, "\n".join(parts)


def _without_comment(text: str) -> str:
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return re.sub(r"(?<!\\)#.*", "", joined).rstrip()
