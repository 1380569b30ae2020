"""The values of the expressions of a Python program, as far as they are written in it."""

import re
from ast import literal_eval
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from pinproof.rules.install_commands.command import UNKNOWN, Word

_PASSED_ON = frozenset(
    {"str", "Path", "PurePath", "PosixPath", "fspath", "as_posix", "resolve", "list", "tuple"}
    | {"dedent", "strip", "quote", "encode", "cast"}
)
_LISTS = ("list", "tuple", "set")
_FIELD = re.compile(r"\{([^{}!:]*)[^{}]*\}")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-#0 +]*[\d.*]*[a-zA-Z]")


def text_of(node: Node | None) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def named(node: Node) -> list[Node]:
    """The parts of a node without punctuation and comments."""
    return [child for child in node.named_children if child.type != "comment"]


class Values:
    """The names of a program that are assigned once, and what their lists are extended with."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        assigned: defaultdict[str, list[Node | None]] = defaultdict(list)
        self._added: defaultdict[str, list[Node]] = defaultdict(list)
        self.given: set[str] = set()
        for node in nodes:
            match node.type:
                case "assignment" | "named_expression":
                    left = node.child_by_field_name("left") or node.child_by_field_name("name")
                    right = node.child_by_field_name("right") or node.child_by_field_name("value")
                    assigned[text_of(left)].append(right)
                case "augmented_assignment":
                    right = node.child_by_field_name("right")
                    self._added[text_of(node.child_by_field_name("left"))] += (
                        [right] if right else []
                    )
                case "for_statement" | "for_in_clause":
                    assigned[text_of(node.child_by_field_name("left"))].append(None)
                    self._give(node.child_by_field_name("right"))
                case "parameters" | "lambda_parameters":
                    for child in named(node):
                        name = child.child_by_field_name("name") or (named(child) or [child])[0]
                        assigned[text_of(name)].append(None)
                case "argument_list" | "return_statement":
                    self._give(node)
                case "call":
                    function = node.child_by_field_name("function")
                    owner, _, method = text_of(function).rpartition(".")
                    arguments = node.child_by_field_name("arguments")
                    if method in ("append", "extend", "insert") and arguments is not None:
                        self._added[owner] += named(arguments)[-1:]
        self._known = {
            name: given[0] for name, given in assigned.items() if len(given) == 1 and given[0]
        }

    def _give(self, node: Node | None) -> None:
        self.given |= set(re.findall(r"[\w.]+", text_of(node)))

    def known(self, node: Node) -> Node:
        """The expression that a name means, or the expression itself."""
        return self._known.get(text_of(node)) or node

    def words(self, node: Node, depth: int = 0) -> Iterator[Word]:
        """Yield the words of an argument: of each item of a list, and of each text."""
        known = self._known.get(text_of(node))
        if depth > 8:  # noqa: PLR2004 - names that are defined by themselves
            yield Word(UNKNOWN, text_of(node))
        elif node.type in _LISTS or node.type == "parenthesized_expression":
            for item in named(node):
                yield from self.words(item, depth + 1)
        elif node.type == "list_splat":
            inner = named(node)[0]
            if self._is_list(inner, depth):
                yield from self.words(inner, depth + 1)
            else:
                yield Word(UNKNOWN, text_of(node))
        elif node.type == "binary_operator" and self._is_list(node, depth):
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            for side in (left, right) if self._operator(node) == "+" else (left,):
                if side is not None:
                    yield from self.words(side, depth + 1)
        elif known is not None and self._is_list(known, depth):
            yield from self.words(known, depth + 1)
            for added in self._added[text_of(node)]:
                yield from self.words(added, depth + 1)
        elif node.type == "call" and (split := self._split(node, depth)):
            yield from (Word(part, part.replace(UNKNOWN, "...")) for part in split.split())
        elif (
            node.type == "call"
            and self._name(node) in ("list", "tuple", "copy")
            and (given := self._arguments(node))
        ):
            yield from self.words(given[0], depth + 1)
        else:
            value = self.value(node, depth)
            yield Word(value, text_of(node) if UNKNOWN in value else value)

    def _is_list(self, node: Node, depth: int = 0) -> bool:
        if node.type == "binary_operator":
            return any(self._is_list(side, depth + 1) for side in named(node) if depth < 8)  # noqa: PLR2004
        known = self._known.get(text_of(node))
        if known is not None and depth < 8:  # noqa: PLR2004
            return self._is_list(known, depth + 1)
        return node.type in _LISTS or (node.type == "call" and bool(self._split(node, depth)))

    def _split(self, call: Node, depth: int) -> str:
        """The text that `"...".split()` or `shlex.split("...")` splits."""
        if self._name(call) != "split":
            return ""
        function, given = call.child_by_field_name("function"), self._arguments(call)
        owner = function.child_by_field_name("object") if function is not None else None
        for subject in (owner,) if not given else given[:1]:
            if subject is not None and " " in (text := self.value(subject, depth + 1)):
                return text
        return ""

    @staticmethod
    def _name(call: Node) -> str:
        return text_of(call.child_by_field_name("function")).rpartition(".")[2]

    @staticmethod
    def _operator(node: Node) -> str:
        return text_of(node.child_by_field_name("operator"))

    @staticmethod
    def _arguments(call: Node) -> list[Node]:
        arguments = call.child_by_field_name("arguments")
        return named(arguments) if arguments is not None else []

    def value(self, node: Node, depth: int = 0) -> str:  # noqa: PLR0911 - one for each form
        """The text of an expression, with UNKNOWN for each part that is known only at run time."""
        if depth > 8:  # noqa: PLR2004
            return UNKNOWN
        match node.type:
            case "string":
                return "".join(self._piece(child, depth) for child in node.children)
            case "concatenated_string":
                return "".join(self.value(child, depth + 1) for child in named(node))
            case "parenthesized_expression" | "interpolation" | "await":
                return self.value(named(node)[0], depth + 1)
            case "identifier" | "attribute" if known := self._known.get(text_of(node)):
                more = [self.value(added, depth + 1) for added in self._added[text_of(node)]]
                return "".join([self.value(known, depth + 1), *more])
            case "attribute" if text_of(node).endswith(".executable"):
                return "python"
            case "binary_operator":
                return self._combined(node, depth)
            case "call":
                return self._called(node, depth)
            case _:
                return UNKNOWN

    def _piece(self, node: Node, depth: int) -> str:
        if node.type == "interpolation":
            return self.value(node, depth)
        if node.type != "string_content":
            return ""
        text = text_of(node)
        for child in node.children:
            if child.type == "escape_interpolation":
                text = text.replace(text_of(child), text_of(child)[0])
            elif child.type == "escape_sequence":
                try:
                    meant = str(literal_eval(f'"""{text_of(child)}"""'))
                except (SyntaxError, ValueError):
                    continue
                text = text.replace(text_of(child), meant)
        return text.replace(UNKNOWN, "")

    def _combined(self, node: Node, depth: int) -> str:
        left, right = (node.child_by_field_name(side) for side in ("left", "right"))
        if left is None or right is None:
            return UNKNOWN
        first, operator = self.value(left, depth + 1), self._operator(node)
        if operator == "%":
            given = named(right) if right.type == "tuple" else [right]
            filling = iter([self.value(item, depth + 1) for item in given])
            return _PERCENT.sub(lambda _: next(filling, UNKNOWN), first)
        if operator == "*":
            return first
        second = self.value(right, depth + 1)
        return {"+": first + second, "/": f"{first}/{second}"}.get(operator, UNKNOWN)

    def _called(self, call: Node, depth: int) -> str:
        function, given = call.child_by_field_name("function"), self._arguments(call)
        name = self._name(call)
        owner = function.child_by_field_name("object") if function is not None else None
        if name == "format" and owner is not None:
            values = {
                text_of(item.child_by_field_name("name")) or str(number): self.value(
                    item.child_by_field_name("value") or item, depth + 1
                )
                for number, item in enumerate(given)
            }
            numbers = iter(range(len(given)))
            return _FIELD.sub(
                lambda field: values.get(field[1] or str(next(numbers, "")), UNKNOWN),
                self.value(owner, depth + 1),
            )
        if name == "join" and owner is not None and given:
            if text_of(owner).endswith("path"):
                return "/".join(self.value(item, depth + 1) for item in given)
            parts = [word.value for word in self.words(given[0], depth + 1)]
            return self.value(owner, depth + 1).join(parts)
        if name in _PASSED_ON:
            subject = given[0] if given else owner
            return self.value(subject, depth + 1) if subject is not None else UNKNOWN
        return UNKNOWN
