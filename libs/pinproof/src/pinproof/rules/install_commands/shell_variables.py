"""The variables of a shell script, and the values of its words."""

import re
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tree_sitter import Node

from pinproof.rules.install_commands.command import UNKNOWN, is_call
from pinproof.rules.install_commands.syntax import text_of

_LOOPS = ("for_statement", "c_style_for_statement", "select_statement")
_SETTERS = ("read ", "mapfile ", "readarray ", "getopts ", "unset ")
_DEFAULT = re.compile(r"\$\{\w+:?[-=](.*)\}", re.DOTALL)
_EXPORT = re.compile(r"export\s|(?:declare|typeset)\s+-\w*x")
_WHICH = re.compile(r"(?:\$\(|`)(?:which|command -v|type -[pP])\s+(\S+?)(?:\)|`)")
_PLAIN = re.compile(r"\$\w+|\$\{\w+(?:\[[@*]\])?\}")
_EXPANDED = re.compile(r"\$\{?(\w+)")


class Variables:
    """The variables of a script.

    Attributes:
        values: The values that each variable may have, with `UNKNOWN` for each unknown part. An
            array is one text with quoted words.
        exported: The exported variables.
    """

    def __init__(self, nodes: Sequence[Node], outer: Mapping[str, str]) -> None:
        self.values: dict[str, list[str]] = {name: [value] for name, value in outer.items()}
        self.exported = set(outer)
        own: defaultdict[str, list[str]] = defaultdict(list)
        for node in nodes:
            if node.type == "variable_assignment":
                self._assign(node, own)
            elif node.type in _LOOPS and (variable := node.child_by_field_name("variable")):
                given = node.children_by_field_name("value")
                own[text_of(variable)] += [
                    part for value in given for part in (value_of(value, {}).split() or [""])
                ] or [UNKNOWN]
            elif node.type == "command" and text_of(node).startswith(_SETTERS):
                for argument in node.children[1:]:
                    own[text_of(argument)].append(UNKNOWN)
            elif node.type == "declaration_command" and _EXPORT.match(text_of(node)):
                names = [child.child_by_field_name("name") or child for child in node.children[1:]]
                self.exported |= {text_of(name) for name in names}
        self.values |= {name: list(dict.fromkeys(given)) for name, given in own.items()}
        self.exported &= self.values.keys()

    def _assign(self, node: Node, own: defaultdict[str, list[str]]) -> None:
        name, given = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None:
            return
        variable = text_of(name)
        before = own[variable][-1] if own[variable] else ""
        known = {other: values[0] for other, values in own.items() if len(values) == 1}
        known[variable] = before
        if given is None:
            value = ""
        elif given.type == "array":
            parts = [value_of(child, known) for child in given.named_children]
            value = " ".join(part if UNKNOWN in part else shlex.quote(part) for part in parts)
        else:
            value = value_of(given, known)
        text = text_of(node)
        if f"{variable}+=" in text:
            value = f"{before} {value}" if given and given.type == "array" else before + value
            own[variable][-1:] = [value]
        elif variable in _EXPANDED.findall(text.partition("=")[2]):
            # It is extended: `X="$X more"`.
            own[variable][-1:] = [value]
        else:
            own[variable].append(value)

    def constants(self) -> dict[str, str]:
        """The variables with a single value that is known, or that calls an installer."""
        return {
            name: calls[0] if calls else values[0]
            for name, values in self.values.items()
            if (calls := [value for value in values if is_call(f"{value} ")])
            or (len(values) == 1 and UNKNOWN not in values[0])
        }

    def several(self, command: Node) -> list[str]:
        """The variables of a command that have several known values."""
        names = dict.fromkeys(_EXPANDED.findall(text_of(command)))
        return [
            name
            for name in names
            if len(values := self.values.get(name, ())) > 1
            and not any(UNKNOWN in value for value in values)
        ]


def value_of(node: Node, variables: Mapping[str, str]) -> str:  # noqa: PLR0911 - one for each form
    """The word that the command receives, with UNKNOWN for each unknown part."""
    match node.type:
        case "word" | "number":
            return _unescape(text_of(node))
        case "string_content":
            return _unescape(text_of(node), only='$`"\\\n')
        case "raw_string":
            return text_of(node)[1:-1]
        case "ansi_c_string":
            inner = text_of(node)[2:-1]
            return UNKNOWN if "\\" in inner else inner
        case "string" | "concatenation" | "translated_string" | "command_name":
            # The parser may leave out white space between the parts of a string.
            return _joined(node, variables)
        case "simple_expansion" | "expansion":
            return _expanded(node, variables)
        case "command_substitution" if found := _WHICH.fullmatch(text_of(node)):
            return found[1]
        case _:
            return UNKNOWN


def _expanded(node: Node, variables: Mapping[str, str]) -> str:
    text = text_of(node)
    name = _EXPANDED.match(text)
    if name is None:
        return UNKNOWN
    if _PLAIN.fullmatch(text):
        return variables.get(name[1], UNKNOWN)
    if default := _DEFAULT.fullmatch(text):
        # The default is one of the possible values.
        value = variables.get(name[1], default[1].strip("\"'"))
        return value if is_call(f"{value} x ") else UNKNOWN
    return UNKNOWN


def _joined(node: Node, variables: Mapping[str, str]) -> str:
    value = ""
    end = node.start_byte
    for child in node.children:
        if child.start_byte > end and node.type == "string":
            gap = (node.text or b"")[end - node.start_byte : child.start_byte - node.start_byte]
            value += _unescape(gap.decode("utf-8", "replace"), only='$`"\\\n')
        if child.type != '"':
            value += value_of(child, variables)
        end = child.end_byte
    return value


def _unescape(text: str, only: str | None = None) -> str:
    """Remove the backslashes that quote the next character."""
    value = ""
    characters = iter(text)
    for character in characters:
        if character != "\\":
            value += character
            continue
        quoted = next(characters, "")
        if only is not None and quoted not in only:
            value += "\\"
        # A line continuation is not part of the word.
        value += "" if quoted == "\n" else quoted
    return value
