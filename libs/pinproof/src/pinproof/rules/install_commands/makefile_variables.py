"""Expands the variables and simple functions of make. The rest is unknown."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pinproof.rules.install_commands.command import unknown_variable

_DEEPEST = 20
_FUNCTION = re.compile(r"[a-z]+(?:-out)?")
_CLOSING = {"(": ")", "{": "}"}


class Generated(NamedTuple):
    """A text that `$(eval ...)` adds to the Makefile.

    Attributes:
        name: The variable that `$(call ...)` expanded, or empty.
        text: The text.
    """

    name: str
    text: str


class MakefileVariables:
    """The variables of a Makefile.

    Attributes:
        variables: Their unexpanded values.
        called: The variables that `$(call ...)` expanded.
        shell: The commands of `$(shell ...)`.
    """

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.called: dict[str, int] = {}
        self.shell: list[str] = []

    def expand(self, text: str, local: Mapping[str, str] | None = None, depth: int = 0) -> str:
        """Expand a text. Unknown values become shell variables that are never set."""
        return "".join(self._parts(text, local or {}, depth))

    def evaluate(self, text: str, local: Mapping[str, str] | None = None) -> Iterator[Generated]:
        """Yield what `$(eval ...)`, alone or within `$(foreach ...)`, adds to the Makefile."""
        local = local or {}
        inner = text.strip()
        if not inner.startswith(("$(", "${")):
            return
        inner = inner[2 : _end(inner, 1)]
        function, _, rest = inner.partition(" ")
        if function == "foreach":
            name, values, body = (*_arguments(rest), "", "")[:3]
            for value in self.expand(values, local).split():
                yield from self.evaluate(body, {**local, name.strip(): value})
        elif function == "eval":
            called = rest.strip()
            name = ""
            if called.startswith(("$(call ", "${call ")):
                name = called[2:].partition(" ")[2].partition(",")[0].strip(" )}")
            yield Generated(name, self.expand(rest, local))

    def _parts(self, text: str, local: Mapping[str, str], depth: int) -> Iterator[str]:
        place = 0
        while (dollar := text.find("$", place)) >= 0:
            yield text[place:dollar]
            following = text[dollar + 1 : dollar + 2]
            if following in _CLOSING:
                end = _end(text, dollar + 1)
                yield self._reference(text[dollar + 2 : end], local, depth + 1)
                place = end + 1
            else:
                yield "$" if following in ("$", "") else self._variable(following, local, depth + 1)
                place = dollar + 2
        yield text[place:]

    def _reference(self, text: str, local: Mapping[str, str], depth: int) -> str:
        function, _, rest = text.partition(" ")
        if rest and _FUNCTION.fullmatch(function):
            return self._function(function, _arguments(rest), local, depth)
        name, colon, substitution = text.partition(":")
        if colon and "=" in substitution:
            before, _, after = substitution.partition("=")
            words = self._variable(name, local, depth).split()
            if "%" not in before:
                before, after = f"%{before}", f"%{after}"
            return _substitute(words, before, self.expand(after, local, depth))
        return self._variable(self.expand(text, local, depth), local, depth)

    def _variable(self, name: str, local: Mapping[str, str], depth: int) -> str:
        if name in local:
            return local[name]
        if name in self.variables and depth < _DEEPEST:
            return self.expand(self.variables[name], local, depth + 1)
        return unknown_variable(name)

    def _function(  # noqa: PLR0911 - one for each function
        self, name: str, arguments: list[str], local: Mapping[str, str], depth: int
    ) -> str:
        match name, arguments:
            case "call", [called, *given]:
                called = called.strip()
                self.called[called] = 0
                # Missing arguments are empty.
                values = dict.fromkeys("123456789", "")
                for number, argument in enumerate(given, start=1):
                    values[str(number)] = self.expand(argument, local, depth)
                return self._variable(called, {**local, **values}, depth)
            case "foreach", [variable, values, body]:
                return " ".join(
                    self.expand(body, {**local, variable.strip(): value}, depth)
                    for value in self.expand(values, local, depth).split()
                )
            case "patsubst", [before, after, words]:
                found = self.expand(words, local, depth).split()
                return _substitute(found, before.strip(), self.expand(after, local, depth))
            case "addprefix", [prefix, words]:
                expanded = self.expand(words, local, depth).split()
                return " ".join(self.expand(prefix, local, depth) + word for word in expanded)
            case "addsuffix", [suffix, words]:
                expanded = self.expand(words, local, depth).split()
                return " ".join(word + self.expand(suffix, local, depth) for word in expanded)
            case (("strip" | "sort" | "firstword" | "abspath" | "realpath"), [words]):
                found = self.expand(words, local, depth).split()
                return " ".join(found[:1] if name == "firstword" else found)
            case (("if" | "or" | "and"), [_, *branches]):
                # Every branch that make could take.
                return " ".join(self.expand(branch, local, depth) for branch in branches)
            case "shell", _:
                command = self.expand(",".join(arguments), local, depth)
                self.shell.append(command)
                return unknown_variable(f"shell {command}")
        return unknown_variable(name)


def _end(text: str, opening: int) -> int:
    """The index of the closing bracket for an opening one, or the end of the text."""
    bracket, closing = text[opening], _CLOSING[text[opening]]
    level = 0
    for place in range(opening, len(text)):
        if text[place] == bracket:
            level += 1
        elif text[place] == closing:
            level -= 1
            if level == 0:
                return place
    return len(text)


def _arguments(text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    arguments = [""]
    level = 0
    for character in text:
        level += (character in "({") - (character in ")}")
        if character == "," and level == 0:
            arguments.append("")
        else:
            arguments[-1] += character
    return arguments


def _substitute(words: list[str], before: str, after: str) -> str:
    """Rewrite the words that match a pattern with one %."""
    start, _, end = before.partition("%")
    changed = []
    for word in words:
        fits = word.startswith(start) and word.endswith(end) and len(word) >= len(start + end)
        stem = word[len(start) : len(word) - len(end)]
        changed.append(after.replace("%", stem) if fits else word)
    return " ".join(changed)
