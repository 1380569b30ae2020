"""The words of a shell script: its variables are expanded, and then each text is split."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from tree_sitter import Node

from pinproof.rules.install_commands.calls import is_call
from pinproof.rules.install_commands.command import UNKNOWN, Word, split_words
from pinproof.rules.install_commands.syntax import descendants, text_of

_LOOPS = ("for_statement", "c_style_for_statement", "select_statement")
_SETTERS = ("read ", "mapfile ", "readarray ", "getopts ", "unset ")
_EXPORT = re.compile(r"export\s|(?:declare|typeset)\s+-\w*x")
_PRINTED = re.compile(r"(?:\$\(|`)(?:which|command -v|type -[pP]|echo)\s+([^|;&<>()$]+?)(?:\)|`)")
_VARIABLE = re.compile(r"\$(?:\{?(\w+)(?:\[[@*]\])?\}?|\{(\w+):?[-=](.*)\})", re.DOTALL)
_USED = re.compile(r"\$\{?(\w+)")
# The number of combinations of values that are read.
_MOST = 16
_ARRAY = re.compile(r'"\$\{\w+\[[@*]\]\}"')
_QUOTED = re.compile(r"\\([$`])")
# Quotes in values are no quotes of the shell.
_PROTECTED = {ord("'"): "\ue000", ord('"'): "\ue001", ord("\\"): "\ue002"}
_PLAIN = {ord(protected): chr(plain) for plain, protected in _PROTECTED.items()}


class Variables:
    """The variables of a script, each value as it is inserted into a command.

    Attributes:
        values: The values that each variable may have. If one is unknown, they are the first that
            calls an installer, or `UNKNOWN`.
        exported: The exported variables.
        constants: The variables with a single value that is known, or that calls an installer.
    """

    def __init__(self, nodes: Sequence[Node], outer: Mapping[str, str]) -> None:
        self.values: dict[str, list[str]] = {name: [value] for name, value in outer.items()}
        self.exported = set(outer)
        self.constants = dict(outer)
        own: defaultdict[str, list[str]] = defaultdict(list)
        for node in nodes:
            if node.type == "variable_assignment":
                _assign(node, own)
            elif node.type in _LOOPS and (variable := node.child_by_field_name("variable")):
                given = [expanded(value, {}) for value in node.children_by_field_name("value")]
                own[text_of(variable)] += " ".join(given).split() or [UNKNOWN]
            elif node.type == "command" and text_of(node).startswith(_SETTERS):
                for argument in node.children[1:]:
                    own[text_of(argument)].append(UNKNOWN)
            elif node.type == "declaration_command" and _EXPORT.match(text_of(node)):
                names = [child.child_by_field_name("name") or child for child in node.children[1:]]
                self.exported |= {text_of(name) for name in names}
        for name, values in own.items():
            calls = [value for value in values if is_call(f"{value} ")]
            is_known = UNKNOWN not in "".join(values)
            self.values[name] = list(dict.fromkeys(values)) if is_known else calls[:1] or [UNKNOWN]
            self.constants.pop(name, None)
            if calls or (is_known and len(self.values[name]) == 1):
                self.constants[name] = (calls or values)[0]
        self.exported &= self.values.keys()

    def choices(self, command: Node) -> Iterator[Mapping[str, str]]:
        """Yield the constants with each combination of the other values that a command may use."""
        used = dict.fromkeys(_USED.findall(text_of(command)))
        names = [name for name in used if len(self.values.get(name, ())) > 1]
        for chosen in islice(product(*(self.values[name] for name in names)), _MOST):
            yield {**self.constants, **dict(zip(names, chosen, strict=True))}


def _assign(node: Node, own: defaultdict[str, list[str]]) -> None:
    """Record an assignment. `X+=more` and `X="$X more"` extend the last value."""
    given, name = node.child_by_field_name("value"), text_of(node.child_by_field_name("name"))
    before = own[name][-1] if own[name] else ""
    known = {other: values[0] for other, values in own.items() if len(values) == 1}
    known[name] = before
    is_added = f"{name}+=" in text_of(node)
    if given is not None and given.type == "array":
        value = " ".join(expanded(child, known) for child in given.named_children)
        value = f"{before} {value}" if is_added else value
    else:
        value = value_of(given, known).translate(_PROTECTED) if given else ""
        value = before + value if is_added else value
    replaces = is_added or name in _USED.findall(text_of(given))
    own[name][-1 if replaces else len(own[name]) :] = [value]


def words_of(pieces: Sequence[Node], variables: Mapping[str, str]) -> Iterator[Word]:
    """Yield the words of nodes that follow each other without a space."""
    source = "".join(map(text_of, pieces))
    for value in _split("".join(expanded(piece, variables) for piece in pieces)):
        yield Word(value, source if UNKNOWN in value or "$" not in source else value)


def value_of(node: Node, variables: Mapping[str, str]) -> str:
    """The text of a node without its quotes."""
    return " ".join(_split(expanded(node, variables)))


def _split(text: str) -> list[str]:
    return [word.translate(_PLAIN) for word in split_words(text)]


def expanded(node: Node, variables: Mapping[str, str]) -> str:  # noqa: PLR0911 - one for each form
    """The text of a node, with values in place of its variables and substitutions."""
    text = text_of(node)
    match node.type:
        case "simple_expansion" | "expansion":
            return _expansion(text, variables)
        case "string" if _ARRAY.fullmatch(text):
            return _expansion(text[1:-1], variables)
        case "ansi_c_string":
            return UNKNOWN if "\\" in text else text[1:]
        case "command_substitution":
            for inner in descendants(node) if text.startswith("$(cat") else ():
                if inner.type == "heredoc_body":
                    return text_of(inner).translate(_PROTECTED)
            found = _PRINTED.fullmatch(text)
            return found[1] if found else UNKNOWN
        case "process_substitution" | "arithmetic_expansion":
            return UNKNOWN
        case "string_content":
            return _QUOTED.sub(r"\1", text)
        case "raw_string" | "word":
            return text.replace("\\\n", "")
    data, at, value = node.text or b"", 0, ""
    for child in node.named_children:
        # The parser leaves out white space between the parts of a string.
        start, end = child.start_byte - node.start_byte, child.end_byte - node.start_byte
        value += data[at:start].decode("utf-8", "replace") + expanded(child, variables)
        at = end
    return (value + data[at:].decode("utf-8", "replace")).replace("\\\n", "")


def _expansion(text: str, variables: Mapping[str, str]) -> str:
    found = _VARIABLE.fullmatch(text)
    if found is None:
        return UNKNOWN
    if found[1]:
        return variables.get(found[1], UNKNOWN)
    # The default is one of the possible values.
    value = variables.get(found[2], found[3].strip("\"'"))
    return value if is_call(f"{value} x ") else UNKNOWN
