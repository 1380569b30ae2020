"""Loads YAML, JSON and TOML as values with the numbers of their lines."""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import yaml

from pinproof.python310 import tomllib
from pinproof.rules.install_commands.command import without_expressions
from pinproof.rules.install_commands.structure import Text, Value
from pinproof.rules.install_commands.yaml_entries import relevant_documents

# The loader of libyaml, if it is available. All values stay texts, and none is constructed.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_JSON_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(?=\s*[\]}])")


def load_documents(text: str, name: str, line: int) -> list[Value] | None:
    """The documents of a file, or None if it is not of the format that its name tells.

    A template may be of the format only after its expressions are replaced.
    """
    suffix = PurePosixPath(name.lower()).suffix
    for change in (str, without_expressions):
        variant = change(text)
        try:
            if suffix == ".toml":
                return [_Lines(variant, line).place(tomllib.loads(variant))]
            if suffix.startswith(".json"):
                return [_Lines(variant, line).place(_load_json(variant))]
            return list(_load_yaml(variant, line))
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
    return None


def _load_json(text: str) -> object:
    # Comments and trailing commas are allowed in the settings of editors.
    bare = _JSON_COMMENT.sub(lambda match: match[1] or "\n" * match[0].count("\n"), text)
    return json.loads(_TRAILING_COMMA.sub("", bare), strict=False)


def _load_yaml(text: str, line: int) -> Iterator[Value]:
    """Yield the documents that may call an installer. Parsing the others would take long."""
    for before, document, relevant in relevant_documents(text):
        built: dict[int, Value] = {}
        try:
            nodes = list(yaml.compose_all(relevant, Loader=_LOADER))
        except yaml.YAMLError:
            # What was left out may be a part of what was kept.
            nodes = list(yaml.compose_all(document, Loader=_LOADER))
        yield from (_built(node, built, line + before) for node in nodes)


def _built(node: yaml.Node, built: dict[int, Value], line: int) -> Value:
    """The value of a node. Several nodes, and the node itself, may be an anchor's."""
    if id(node) not in built:
        if isinstance(node, yaml.ScalarNode):
            # The text of a block begins below its indicator.
            below = 1 if node.style in ("|", ">") else 0
            built[id(node)] = Text(node.value, line + int(node.start_mark.line) + below)
        elif isinstance(node, yaml.SequenceNode):
            items: list[Value] = []
            built[id(node)] = items
            items += [_built(item, built, line) for item in node.value]
        else:
            entries: dict[str, Value] = {}
            built[id(node)] = entries
            for key_node, value_node in node.value:
                key = str(key_node.value)
                while key in entries:
                    # A key that is written twice: both values are read.
                    key += " "
                entries[key] = _built(value_node, built, line)
    return built[id(node)]


class _Lines:
    """Finds the lines of texts, for formats whose parsers do not tell them."""

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._places: dict[str, int] = {}

    def place(self, value: object) -> Value:
        """The value with the line of each text."""
        if isinstance(value, dict):
            return {str(key): self.place(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.place(each) for each in value]
        return Text(value, self._find(value)) if isinstance(value, str) else value

    def _find(self, text: str) -> int:
        first = next((line for line in text.split("\n") if line.strip()), text)
        start = self._places.get(text, 0)
        for form in (json.dumps(text), f"'{text}'", json.dumps(first)[1:-1], first):
            place = self._text.find(form, start)
            if place >= 0:
                self._places[text] = place + 1
                return self._line + self._text.count("\n", 0, place)
        return self._line
