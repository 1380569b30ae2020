"""Reads the commands of a Makefile: its recipes, with known variables expanded."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pinproof.rules.install_commands.command import Script, unknown_variable
from pinproof.rules.install_commands.make_values import MakeValues

_ASSIGNMENT = re.compile(
    r"^(?:(?:export|override|private|unexport)\s+)*([\w.-]+)\s*(:::?=|::?=|\?=|\+=|!=|=)\s*(.*)$",
    re.DOTALL,
)
_DEFINE = re.compile(r"^(?:(?:export|override)\s+)*define\s+([\w.-]+)")
_DIRECTIVE = re.compile(r"^(ifn?eq|ifn?def|else|endif|-?include|sinclude|export|unexport|vpath)\b")
_GENERATES = re.compile(r"^\$[({](?:eval|foreach|call)\s")
_LOGICAL_LINE = re.compile(r"((?:[^\\\n]+|\\[\s\S]?)*)\n?")
_COMMENT = re.compile(r"(?<!\\)#.*")
# The number of its line precedes each line of a variable with several.
_NUMBER = re.compile("\ue100(\\d+)\ue100")


def makefile_commands(script: Script) -> Iterator[Script]:
    """Yield every recipe, and the scripts of `$(shell ...)` and of `NAME != ...`.

    Both branches of a condition are read. Included files are read separately.
    """
    makefile = _Makefile()
    makefile.read(script.text, script.line)
    for line, text in makefile.scripts():
        yield Script(_NUMBER.sub("", text), line=line, depth=script.depth + 1)


@dataclass(slots=True)
class _Rule:
    """A rule with its recipe."""

    targets: str
    prerequisites: str
    recipe: list[tuple[int, str]] = field(default_factory=list)


class _Makefile:
    """The variables and rules of a Makefile, read line by line."""

    def __init__(self) -> None:
        self._values = MakeValues()
        self._defined: list[str] = []
        self._rules: list[_Rule] = []
        self._scripts: list[tuple[int, str]] = []

    def scripts(self) -> Iterator[tuple[int, str]]:
        """Yield the texts that make runs in a shell, with the number of their first line."""
        for name in self._defined:
            # A body that is never called is read unexpanded.
            if name not in self._values.called:
                self.read(self._values.variables[name], 1)
        for rule in self._rules:
            automatic = self._automatic(rule)
            for line, text in rule.recipe:
                yield line, self._values.expand(text, automatic).lstrip("@+- \t")
        yield from self._scripts
        yield from ((1, command) for command in self._values.shell)

    def _automatic(self, rule: _Rule) -> Mapping[str, str]:
        targets = self._values.expand(rule.targets).split()
        prerequisites = self._values.expand(rule.prerequisites).split()
        return {
            "@": targets[0] if len(targets) == 1 else unknown_variable("target"),
            "<": prerequisites[0] if prerequisites else unknown_variable("prerequisite"),
            **dict.fromkeys("^+", " ".join(prerequisites)),
        }

    def read(self, text: str, line: int) -> None:
        """Read a text, given the number of its first line."""
        rule: _Rule | None = None
        body: list[str] | None = None
        for found in _LOGICAL_LINE.finditer(text):
            placed = _NUMBER.match(found[1])
            number, written = line, _NUMBER.sub("", found[1])
            number = int(placed[1]) if placed else line
            line += found[0].count("\n")
            stripped = written.strip()
            if body is not None and stripped == "endef":
                self._values.variables[self._defined[-1]] = "\n".join(body)
                body = None
            elif body is not None:
                body.append(f"\ue100{number}\ue100{written}")
            elif defined := _DEFINE.match(stripped):
                self._defined.append(defined[1])
                self._values.variables[defined[1]] = ""
                body = []
            elif written.startswith("\t") and rule is not None:
                rule.recipe.append((number, written[1:]))
            elif stripped:
                joined = re.sub(r"\s*\\\n\s*", " ", stripped)
                rule = self._statement(number, _COMMENT.sub("", joined).rstrip(), rule)

    def _statement(self, number: int, text: str, rule: _Rule | None) -> _Rule | None:
        """Read a line outside of recipes. Returns the rule that recipe lines below it belong to."""
        if assignment := _ASSIGNMENT.match(text):
            self._assign(number, *assignment.groups())
        elif _GENERATES.match(text):
            self.read(self._values.expand(text), number)
        elif not _DIRECTIVE.match(text) and ":" in text:
            return self._rule(number, text)
        return rule

    def _assign(self, number: int, name: str, operator: str, value: str) -> None:
        variables = self._values.variables
        if operator == "!=":
            self._scripts.append((number, self._values.expand(value)))
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
