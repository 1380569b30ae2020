"""Reads the commands of a Makefile: its recipes, with its variables and functions expanded."""

import re
from collections.abc import Iterator, Mapping

from pinproof.rules.install_commands.command import Script, unknown_variable

_ASSIGNMENT = re.compile(
    r"^(?:(?:export|override|private|unexport)\s+)*([\w.-]+)\s*(:::?=|::?=|\?=|\+=|!=|=)\s*(.*)$",
    re.DOTALL,
)
_DEFINE = re.compile(r"^(?:(?:export|override)\s+)*define\s+([\w.-]+)")
_DIRECTIVE = re.compile(r"^(ifn?eq|ifn?def|else|endif|-?include|sinclude|export|unexport|vpath)\b")
_GENERATES = re.compile(r"^\$[({](?:eval|foreach|call)\s")
_LOGICAL_LINE = re.compile(r"((?:[^\\\n]+|\\[\s\S]?)*)\n?")
_COMMENT = re.compile(r"(?<!\\)#.*")
# A reference without another one in it, or plain brackets.
_INNERMOST = re.compile(r"(\$?)(?:\(([^(){}]*)\)|\{([^(){}]*)\})|\$([^(){}\s])")
_LOOP = re.compile(r"\$[({]foreach\s+(\w+)\s*,")
# Characters of values that have no meaning for the references around them.
_PROTECTED = {ord(character): chr(0xE000 + place) for place, character in enumerate("$(){},")}
_PLAIN = {ord(protected): chr(plain) for plain, protected in _PROTECTED.items()}
_DEEPEST = 20
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


class _Makefile:
    """The variables and recipes of a Makefile, read line by line."""

    def __init__(self) -> None:
        self._values = _Values()
        self._defined: list[str] = []
        # The number and the text of each line of a recipe, and the targets and prerequisites.
        self._recipes: list[tuple[int, str, str, str]] = []
        self._scripts: list[tuple[int, str]] = []

    def scripts(self) -> Iterator[tuple[int, str]]:
        """Yield the texts that make runs in a shell, with the number of their first line."""
        for name in self._defined:
            # A body that is never called is read unexpanded.
            if name not in self._values.called:
                self.read(self._values.variables[name], 1)
        for line, text, *rule in self._recipes:
            targets, prerequisites = (self._values.expand(names).split() for names in rule)
            automatic = {
                "@": targets[0] if len(targets) == 1 else unknown_variable("target"),
                "<": prerequisites[0] if prerequisites else unknown_variable("prerequisite"),
                **dict.fromkeys("^+", " ".join(prerequisites)),
            }
            yield line, self._values.expand(text, automatic).lstrip("@+- \t")
        yield from self._scripts
        yield from ((1, command) for command in self._values.shell)

    def read(self, text: str, line: int) -> None:
        """Read a text, given the number of its first line."""
        rule: tuple[str, str] | None = None
        in_body = False
        for found in _LOGICAL_LINE.finditer(text):
            placed = _NUMBER.match(found[1])
            written = _NUMBER.sub("", found[1])
            number = int(placed[1]) if placed else line
            line += found[0].count("\n")
            stripped = written.strip()
            if in_body:
                in_body = stripped != "endef"
                body = f"\ue100{number}\ue100{written}\n" if in_body else ""
                self._values.variables[self._defined[-1]] += body
            elif defined := _DEFINE.match(stripped):
                self._defined.append(defined[1])
                self._values.variables[defined[1]] = ""
                in_body = True
            elif written.startswith("\t") and rule is not None:
                self._recipes.append((number, written[1:], *rule))
            elif stripped:
                joined = re.sub(r"\s*\\\n\s*", " ", stripped)
                rule = self._statement(number, _COMMENT.sub("", joined).rstrip(), rule)

    def _statement(
        self, number: int, text: str, rule: tuple[str, str] | None
    ) -> tuple[str, str] | None:
        """Read a line outside of recipes. Returns the rule that recipe lines below it belong to."""
        variables = self._values.variables
        if assignment := _ASSIGNMENT.match(text):
            name, operator, value = assignment.groups()
            if operator == "!=":
                self._scripts.append((number, self._values.expand(value)))
                value = unknown_variable(name)
            before = f"{variables[name]} " if operator == "+=" and name in variables else ""
            variables[name] = before + value
        elif _GENERATES.match(text):
            self.read(self._values.expand(text), number)
        elif not _DIRECTIVE.match(text) and ":" in text:
            header, _, inline = text.partition(";")
            targets, _, rest = header.partition(":")
            # A static pattern rule has a target pattern before the prerequisites.
            rule = (targets, rest.lstrip(":").rpartition(":")[2].replace("|", " "))
            if inline.strip():
                self._recipes.append((number, inline, *rule))
        return rule


class _Values:
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
                values = dict.fromkeys("123456789", "")
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
                return _substitute(words, "%", f"{prefix}%")
            case "addsuffix", [suffix, words]:
                return _substitute(words, "%", f"%{suffix}")
            case (("strip" | "sort" | "abspath" | "realpath"), [words]):
                return " ".join(words.split())
            case "firstword", [words]:
                return " ".join(words.split()[:1])
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
