"""The values of the expressions of a Python program, as far as they are written in it."""

import re
from ast import literal_eval
from collections import defaultdict
from collections.abc import Sequence

from tree_sitter import Node

from pinproof.rules.install_commands.calls import is_call
from pinproof.rules.install_commands.command import UNKNOWN
from pinproof.rules.install_commands.structure import Text, Value
from pinproof.rules.install_commands.syntax import parts, text_of

VALUE_FUNCTIONS = frozenset({"split", "format", "join", "dict"})
"""Functions whose arguments are parts of their value."""
_PASSED_ON = frozenset(
    {"str", "Path", "PurePath", "PosixPath", "fspath", "as_posix", "resolve", "dedent", "strip"}
    | {"quote", "encode", "cast", "list", "tuple", "copy"}
)
EXTENDS = frozenset({"append", "extend", "insert"})
"""Methods that extend a list."""
VALUE_FUNCTIONS |= _PASSED_ON
_NAMED = ("keyword_argument", "dictionary_splat")
_FIELD = re.compile(r"\{([^{}!:]*)[^{}]*\}")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-#0 +]*[\d.*]*[a-zA-Z]")
_LONGEST_TEXT, _LONGEST_LIST = 100_000, 1_000


def called_name(call: Node) -> str:
    """The last part of the name of a called function."""
    function = call.child_by_field_name("function")
    last = function.child_by_field_name("attribute") if function is not None else None
    return text_of(last or function)


def owner_of(call: Node) -> Node:
    """The object whose method is called, or the function."""
    function = call.child_by_field_name("function") or call
    return function.child_by_field_name("object") or function


def arguments_of(call: Node) -> tuple[list[Node], dict[str, Node]]:
    """The arguments of a call: the positional ones, and the keywords."""
    given = parts(call.child_by_field_name("arguments"))
    keywords = {
        text_of(node.child_by_field_name("name")): value
        for node in given
        if node.type == "keyword_argument" and (value := node.child_by_field_name("value"))
    }
    return [node for node in given if node.type not in _NAMED], keywords


class Values:
    """The values of the names of a program, and what the program adds to them.

    A name that is assigned several times is a tuple of its values.
    """

    def __init__(self, nodes: Sequence[Node], line: int) -> None:
        self._line = line
        self._assigned: defaultdict[str, list[Node | None]] = defaultdict(list)
        self._added: defaultdict[str, list[Node]] = defaultdict(list)
        self._known: dict[str, Value] = {}
        for node in nodes:
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            match node.type:
                case "assignment":
                    self._assigned[text_of(left)].append(right)
                case "augmented_assignment" if right is not None:
                    self._added[text_of(left)].append(right)
                case "for_statement" | "for_in_clause":
                    self._assigned[text_of(left)].append(None)
                case "parameters" | "lambda_parameters":
                    for child in parts(node):
                        name = child.child_by_field_name("name") or (parts(child) or [child])[0]
                        self._assigned[text_of(name)].append(None)
                case "call" if called_name(node) in EXTENDS:
                    self._added[text_of(owner_of(node))] += arguments_of(node)[0][-1:]

    def value(self, node: Node) -> Value:  # noqa: PLR0911 - one for each form
        """The value of an expression, with UNKNOWN for each part that is known only at run time."""
        match node.type:
            case "string":
                return self._text(node, "".join(map(self._piece, node.children)))
            case "concatenated_string":
                return self._text(node, "".join(map(self.text, parts(node))))
            case "parenthesized_expression" | "interpolation" | "await" | "list_splat":
                return self.value(parts(node)[0]) if parts(node) else []
            case "list" | "tuple" | "set" | "expression_list":
                return self._items(parts(node))
            case "dictionary":
                pairs = [pair for pair in parts(node) if pair.type == "pair"]
                return {self.text(parts(pair)[0]): self.value(parts(pair)[-1]) for pair in pairs}
            case "identifier" | "attribute" | "subscript":
                return self._named(node)
            case "conditional_expression" | "boolean_operator":
                return self._chosen(node, [self.value(part) for part in parts(node)])
            case "binary_operator":
                return self._combined(node)
            case "call":
                return self._called(node)
            case "none" | "true" | "false" | "integer" | "float":
                return None
        return self._text(node, UNKNOWN)

    def _items(self, nodes: Sequence[Node]) -> list[Value]:
        items: list[Value] = []
        for node in nodes:
            value = self._single(node)
            items += value if node.type == "list_splat" and isinstance(value, list) else [value]
        return items

    def text(self, node: Node) -> str:
        """The text of an expression; UNKNOWN for a list."""
        value = self._single(node)
        return value if isinstance(value, str) else UNKNOWN

    def _text(self, node: Node, value: str) -> Text:
        value = value if len(value) < _LONGEST_TEXT else UNKNOWN
        line = self._line + node.start_point.row
        return Text(value, line, text_of(node) if UNKNOWN in value else value)

    def _single(self, node: Node) -> Value:
        value = self.value(node)
        return self._chosen(node, list(value)) if isinstance(value, tuple) else value

    def _chosen(self, node: Node, values: Sequence[Value]) -> Value:
        """The value of several that is a list, or that calls an installer."""
        for value in values:
            if isinstance(value, list) or (isinstance(value, str) and is_call(value)):
                return value
        return values[0] if len(values) == 1 else self._text(node, UNKNOWN)

    def _named(self, node: Node) -> Value:
        name = text_of(node)
        if name.endswith(".executable"):
            return self._text(node, "python")
        if name not in self._known:
            # A value that leads back to itself is unknown.
            unknown = self._text(node, UNKNOWN)
            self._known[name] = unknown
            added = [self.value(each) for each in self._added[name]]
            values = [self.value(each) if each else unknown for each in self._assigned[name]]
            extended = [self._extended(node, value, added) for value in values]
            self._known[name] = tuple(extended) if len(extended) > 1 else (extended or [unknown])[0]
        return self._known[name]

    def _extended(self, node: Node, value: Value, added: Sequence[Value]) -> Value:
        if isinstance(value, list):
            more = [item for each in added for item in (each if isinstance(each, list) else [each])]
            return [*value, *more][:_LONGEST_LIST]
        if isinstance(value, str) and added:
            return self._text(node, value + "".join(a if isinstance(a, str) else "" for a in added))
        return value

    def _piece(self, node: Node) -> str:
        """The value of a part of a string."""
        if node.type == "interpolation":
            return self.text(node)
        text = text_of(node) if node.type == "string_content" else ""
        for child in node.children if text else ():
            written = text_of(child)
            if child.type == "escape_interpolation":
                text = text.replace(written, written[0])
            elif child.type == "escape_sequence" and not written.startswith("\\N"):
                text = text.replace(written, str(literal_eval(f'"""{written}"""')))
        return text.replace(UNKNOWN, "")

    def _combined(self, node: Node) -> Value:
        left, right = (node.child_by_field_name(side) for side in ("left", "right"))
        if left is None or right is None:
            return self._text(node, UNKNOWN)
        operator = text_of(node.child_by_field_name("operator"))
        first = self._single(left)
        if operator == "*":
            return first
        if operator == "%" and not isinstance(first, list):
            values = iter(map(self.text, parts(right) if right.type == "tuple" else [right]))
            return self._text(node, _PERCENT.sub(lambda _: next(values, UNKNOWN), self.text(left)))
        both = [first, self._single(right)]
        if operator == "+" and any(isinstance(each, list) for each in both):
            items = (each if isinstance(each, list) else [each] for each in both)
            return [item for each in items for item in each][:_LONGEST_LIST]
        between = {"+": "", "/": "/"}.get(operator, UNKNOWN)
        return self._text(node, between.join(map(self.text, (left, right))))

    def _called(self, call: Node) -> Value:
        name, (given, keywords) = called_name(call), arguments_of(call)
        owner = owner_of(call)
        match name:
            case "split":
                texts = map(self.text, (*given[:1], owner))
                parted = next((found for text in texts if len(found := text.split()) > 1), [])
                row = self._line + call.start_point.row
                return [Text(word, row, word.replace(UNKNOWN, "...")) for word in parted]
            case "format":
                fields = {str(number): self.text(node) for number, node in enumerate(given)}
                fields |= {key: self.text(node) for key, node in keywords.items()}
                numbers = iter(fields)
                return self._text(
                    call,
                    _FIELD.sub(
                        lambda found: fields.get(found[1] or next(numbers, ""), UNKNOWN),
                        self.text(owner),
                    ),
                )
            case "join" if given:
                is_path = text_of(owner).endswith("path")
                items = [self._single(node) for node in given]
                words = items[0] if not is_path and isinstance(items[0], list) else items
                between = "/" if is_path else self.text(owner)
                return self._text(
                    call, between.join(each if isinstance(each, str) else UNKNOWN for each in words)
                )
            case "dict":
                return {key: self.value(node) for key, node in keywords.items()}
        if name in _PASSED_ON:
            return self._single(given[0] if given else owner)
        return self._text(call, UNKNOWN)
