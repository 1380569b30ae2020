"""The nodes of a syntax tree."""

from collections.abc import Iterator

from tree_sitter import Node, Parser


def parse(text: str, parser: Parser) -> list[Node]:
    """Every node of a text, each before the nodes within it."""
    return list(descendants(parser.parse(text.encode("utf-8", "replace")).root_node))


def descendants(root: Node) -> Iterator[Node]:
    """Yield a node and every node within it, without punctuation and keywords."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(node.named_children)


def text_of(node: Node | None) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def parts(node: Node | None) -> list[Node]:
    """The parts of a node without punctuation and comments."""
    children = node.named_children if node is not None else []
    return [child for child in children if child.type != "comment"]
