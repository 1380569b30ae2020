"""The values of the expressions of a Python program, as far as they are written in it."""

import re
from ast import literal_eval
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tree_sitter import Node

from pinproof.rules.install_commands.command import UNKNOWN, Word, is_call
from pinproof.rules.install_commands.syntax import descendants, text_of

_PASSED_ON = frozenset(
    {"str", "Path", "PurePath", "PosixPath", "fspath", "as_posix", "resolve", "dedent", "strip"}
    | {"quote", "encode", "cast"}
)
_COPIES = frozenset({"list", "tuple", "copy"})
_LISTS = frozenset({"list", "tuple", "set"})
_NAMES = frozenset({"identifier", "attribute", "subscript"})
_READ = frozenset(
    {"argument_list", "assignment", "augmented_assignment", "call", "for_in_clause"}
    | {"for_statement", "lambda_parameters", "parameters", "return_statement"}
)
_FIELD = re.compile(r"\{([^{}!:]*)[^{}]*\}")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-#0 +]*[\d.*]*[a-zA-Z]")


def parts(node: Node | None) -> list[Node]:
    """The parts of a node without punctuation and comments."""
    children = node.named_children if node is not None else []
    return [child for child in children if child.type != "comment"]


def called_name(call: Node) -> str:
    """The last part of the name of a called function."""
    return text_of(call.child_by_field_name("function")).rpartition(".")[2]


class Values:
    """The names of a program that are assigned once, and what their lists are extended with.

    Attributes:
        given: Every name that a call, a loop or a caller receives.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        assigned: defaultdict[str, list[Node | None]] = defaultdict(list)
        self._added: defaultdict[str, list[Node]] = defaultdict(list)
        self.given: set[str] = set()
        for node in nodes:
            if node.type not in _READ:
                continue
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            match node.type:
                case "assignment" if left is not None and left.type in _NAMES:
                    assigned[text_of(left)].append(right)
                case "augmented_assignment":
                    self._added[text_of(left)] += [right] if right else []
                case "for_statement" | "for_in_clause":
                    assigned[text_of(left)].append(None)
                    self.given |= set(re.findall(r"[\w.]+", text_of(right)))
                case "parameters" | "lambda_parameters":
                    for child in parts(node):
                        name = child.child_by_field_name("name") or (parts(child) or [child])[0]
                        assigned[text_of(name)].append(None)
                case "argument_list" | "return_statement":
                    self.given |= set(re.findall(r"[\w.]+", text_of(node)))
                case "call" if called_name(node) in ("append", "extend", "insert"):
                    owner = text_of(node.child_by_field_name("function")).rpartition(".")[0]
                    self._added[owner] += parts(node.child_by_field_name("arguments"))[-1:]
        self._known = {
            name: value
            for name, (value, *others) in assigned.items()
            if value is not None and not others
        }
        for circular in _in_circles(self._known, self._added):
            self._known.pop(circular, None)
            self._added.pop(circular, None)

    def known(self, node: Node) -> Node:
        """The expression that a name means, or the expression itself."""
        return self._known.get(text_of(node), node)

    def words(self, node: Node) -> Iterator[Word]:
        """Yield the words of an argument: of each item of a list, and of each text."""
        items, extended = self._items(node)
        if node.type == "list_splat" and not self.is_list(parts(node)[0]):
            yield Word(UNKNOWN, text_of(node))
        elif items is not None:
            for item in items:
                yield from self.words(item)
            for item in extended:
                yield from self.words(item)
        elif text := self._split(node):
            yield from (Word(part, part.replace(UNKNOWN, "...")) for part in text.split())
        else:
            value = self.value(node)
            yield Word(value, text_of(node) if UNKNOWN in value else value)

    def is_list(self, node: Node) -> bool:
        """Whether the words of an expression are known one by one."""
        return self._items(node)[0] is not None or bool(self._split(node))

    def _items(self, node: Node) -> tuple[list[Node] | None, list[Node]]:
        """The items of a list, and what the program adds to it."""
        meant = self.known(node)
        if meant is not node:
            items, extended = self._items(meant)
            is_list = items is not None or self.is_list(meant)
            return ([meant], [*extended, *self._added[text_of(node)]]) if is_list else (None, [])
        if node.type in _LISTS | {"list_splat", "parenthesized_expression"}:
            return parts(node), []
        if node.type == "conditional_expression" and self.is_list(parts(node)[0]):
            return parts(node)[:1], []
        if node.type == "binary_operator" and any(map(self.is_list, parts(node))):
            is_sum = text_of(node.child_by_field_name("operator")) == "+"
            return parts(node) if is_sum else parts(node)[:1], []
        if node.type == "call" and called_name(node) in _COPIES:
            return parts(node.child_by_field_name("arguments"))[:1] or None, []
        return None, []

    def _split(self, call: Node) -> str:
        """The text that `"...".split()` or `shlex.split("...")` splits."""
        if call.type != "call" or called_name(call) != "split":
            return ""
        given = parts(call.child_by_field_name("arguments"))
        texts = map(self.value, (*given[:1], self._owner(call)))
        return next((text for text in texts if len(text.split()) > 1), "")

    @staticmethod
    def _owner(call: Node) -> Node:
        function = call.child_by_field_name("function") or call
        return function.child_by_field_name("object") or function

    def value(self, node: Node) -> str:  # noqa: PLR0911 - one for each form
        """The text of an expression, with UNKNOWN for each part that is known only at run time."""
        match node.type:
            case "string":
                return "".join(map(self._piece, node.children))
            case "concatenated_string":
                return "".join(map(self.value, parts(node)))
            case "parenthesized_expression" | "interpolation" | "await":
                return self.value(parts(node)[0])
            case "identifier" | "attribute" if (meant := self.known(node)) is not node:
                return "".join(map(self.value, [meant, *self._added[text_of(node)]]))
            case "attribute" if text_of(node).endswith(".executable"):
                return "python"
            case "conditional_expression":
                either = [self.value(part) for part in (parts(node)[0], parts(node)[-1])]
                return next(filter(is_call, either), UNKNOWN)
            case "binary_operator":
                return self._combined(node)
            case "call":
                return self._called(node)
            case _:
                return UNKNOWN

    def _piece(self, node: Node) -> str:
        if node.type == "interpolation":
            return self.value(node)
        text = text_of(node) if node.type == "string_content" else ""
        for child in node.children if text else ():
            written = text_of(child)
            if child.type == "escape_interpolation":
                text = text.replace(written, written[0])
            elif child.type == "escape_sequence" and not written.startswith("\\N"):
                text = text.replace(written, str(literal_eval(f'"""{written}"""')))
        return text.replace(UNKNOWN, "")

    def _combined(self, node: Node) -> str:
        left, right = (node.child_by_field_name(side) for side in ("left", "right"))
        if left is None or right is None:
            return UNKNOWN
        operator = text_of(node.child_by_field_name("operator"))
        if operator == "%":
            given = parts(right) if right.type == "tuple" else [right]
            values = iter([self.value(item) for item in given])
            return _PERCENT.sub(lambda _: next(values, UNKNOWN), self.value(left))
        between = {"+": "", "/": "/"}.get(operator, UNKNOWN)
        return (
            self.value(left)
            if operator == "*"
            else f"{between}".join(map(self.value, (left, right)))
        )

    def _called(self, call: Node) -> str:
        name, given = called_name(call), parts(call.child_by_field_name("arguments"))
        owner = self._owner(call)
        if name == "format":
            values = {
                text_of(item.child_by_field_name("name")) or str(number): self.value(
                    item.child_by_field_name("value") or item
                )
                for number, item in enumerate(given)
            }
            numbers = iter(map(str, range(len(given))))
            return _FIELD.sub(
                lambda field: values.get(field[1] or next(numbers, ""), UNKNOWN), self.value(owner)
            )
        if name == "join" and given:
            is_path = text_of(owner).endswith("path")
            words = given if is_path else list(self.words(given[0]))
            return ("/" if is_path else self.value(owner)).join(
                word.value if isinstance(word, Word) else self.value(word) for word in words
            )
        if name in _PASSED_ON:
            return self.value(given[0] if given else owner)
        return UNKNOWN


def _in_circles(known: Mapping[str, Node], added: Mapping[str, Sequence[Node]]) -> Iterator[str]:
    """Yield the names whose values lead back to themselves."""
    values = {
        name: [*added.get(name, ()), *filter(None, [known.get(name)])] for name in {*known, *added}
    }
    uses = {
        name: {each for value in found for each in _read_in(value) if each in values}
        for name, found in values.items()
    }
    while True:
        try:
            TopologicalSorter(uses).prepare()
        except CycleError as error:
            for name in error.args[1]:
                if uses.pop(name, None) is not None:
                    yield name
        else:
            return


def _read_in(value: Node) -> Iterator[str]:
    """Yield the text of every expression in another one that may be a name."""
    return (text_of(node) for node in descendants(value) if node.type in _NAMES)
