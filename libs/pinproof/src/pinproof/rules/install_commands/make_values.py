"""Expands the variables and simple functions of make. The rest is unknown."""

import re
from collections.abc import Mapping

from pinproof.rules.install_commands.command import unknown_variable

# A reference without another one in it, or plain brackets.
_INNERMOST = re.compile(r"(\$?)(?:\(([^(){}]*)\)|\{([^(){}]*)\})|\$([^(){}\s])")
_LOOP = re.compile(r"\$[({]foreach\s+(\w+)\s*,")
# Characters of values that have no meaning for the references around them.
_PROTECTED = {ord(character): chr(0xE000 + place) for place, character in enumerate("$(){},")}
_PLAIN = {ord(protected): chr(plain) for plain, protected in _PROTECTED.items()}
_DEEPEST = 20


class MakeValues:
    """The values of a Makefile.

    Attributes:
        variables: The unexpanded value of each variable.
        called: The variables that `$(call ...)` expanded.
        shell: The commands of `$(shell ...)`.
    """

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.called: set[str] = set()
        self.shell: list[str] = []

    def expand(self, text: str, local: Mapping[str, str] | None = None) -> str:
        """Expand a text. Unknown values become shell variables that are never set."""
        return self._expanded(text, local or {}, 0).translate(_PLAIN)

    def _expanded(self, text: str, local: Mapping[str, str], depth: int) -> str:
        """The expanded text, with protected characters."""
        text = text.replace("$$", _PROTECTED[ord("$")])
        # The body of a loop is expanded first, and then repeated.
        local = {**local, **{name: unknown_variable(name) for name in _LOOP.findall(text)}}
        for _ in range(_DEEPEST):
            text, count = _INNERMOST.subn(
                lambda found: self._reference(found, local, depth).translate(_PROTECTED), text
            )
            if not count:
                break
        return text

    def _reference(self, found: re.Match[str], local: Mapping[str, str], depth: int) -> str:
        inner = next(group for group in found.groups()[1:] if group is not None)
        if not found[0].startswith("$"):
            return found[0]
        function, _, rest = inner.partition(" ")
        if rest and function.isalpha() and function.islower():
            return self._function(function, rest.split(","), local, depth)
        name, colon, change = inner.partition(":")
        if colon and "=" in change:
            before, _, after = change.partition("=")
            patterns = (before, after) if "%" in before else (f"%{before}", f"%{after}")
            return _substitute(self._variable(name, local, depth), *patterns)
        return self._variable(inner, local, depth)

    def _variable(self, name: str, local: Mapping[str, str], depth: int) -> str:
        if name not in local and name in self.variables and depth < _DEEPEST:
            return self._expanded(self.variables[name], local, depth + 1)
        return local.get(name, unknown_variable(name))

    def _function(  # noqa: PLR0911 - one for each function
        self, name: str, arguments: list[str], local: Mapping[str, str], depth: int
    ) -> str:
        match name, arguments:
            case "call", [called, *given]:
                self.called.add(called.strip())
                # Missing arguments are empty.
                values = {str(place): "" for place in range(1, 10)}
                values |= {str(place): value for place, value in enumerate(given, start=1)}
                return self._variable(called.strip(), {**local, **values}, depth)
            case "foreach", [variable, values, *body]:
                loop = unknown_variable(variable.strip()).translate(_PROTECTED)
                return " ".join(",".join(body).replace(loop, value) for value in values.split())
            case "eval", _:
                # Lines of their own, which the reader of statements reads.
                return "\n" + ",".join(arguments) + "\n"
            case "patsubst", [before, after, words]:
                return _substitute(words, before.strip(), after)
            case "addprefix", [prefix, words]:
                return " ".join(prefix + word for word in words.split())
            case "addsuffix", [suffix, words]:
                return " ".join(word + suffix for word in words.split())
            case (("strip" | "sort" | "abspath" | "realpath"), [words]):
                return " ".join(words.split())
            case "firstword", [words]:
                return words.split()[0] if words.split() else ""
            case (("if" | "or" | "and"), [_, *branches]):
                # Every branch that make could take.
                return " ".join(branches)
            case "shell", _:
                self.shell.append(",".join(arguments).translate(_PLAIN))
        return unknown_variable(f"{name} {','.join(arguments)}")


def _substitute(words: str, before: str, after: str) -> str:
    """Rewrite the words that match a pattern with one %."""
    start, _, end = before.partition("%")
    pattern = re.compile(rf"{re.escape(start)}(.*){re.escape(end)}", re.DOTALL)
    found = [(word, pattern.fullmatch(word)) for word in words.split()]
    return " ".join(after.replace("%", match[1]) if match else word for word, match in found)
