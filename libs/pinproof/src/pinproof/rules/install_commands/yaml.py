"""Reads the commands in YAML: workflows, actions, manifests, compose files and pipelines."""

import re
from collections.abc import Iterator

import yaml

from pinproof.rules.install_commands.command import Command, Word, inner_scripts, unknown_variable
from pinproof.rules.install_commands.python import python_commands
from pinproof.rules.install_commands.scripts import script_commands
from pinproof.rules.install_commands.shell import shell_commands

# Keys whose text, or whose list of texts, is a shell script.
_SCRIPTS = frozenset(
    {"run", "script", "before_script", "after_script", "before_install", "install", "commands"}
)
# Keys whose list contains the words of one command.
_WORDS = ("entrypoint", "command", "args")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

# The loader of libyaml, if it is available. Both have positions.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class NotYamlError(ValueError):
    """The text is not YAML."""


def yaml_commands(text: str) -> Iterator[Command]:
    """Yield the commands of every document.

    Raises:
        NotYamlError: The text is not YAML.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=_LOADER))
    except (yaml.YAMLError, RecursionError) as error:
        raise NotYamlError("it is not YAML") from error
    pending = list(documents)
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        # Several nodes, and the node itself, may refer to an anchor.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            pending += [value for _, value in node.value]
            yield from _mapping_commands(node)


def _mapping_commands(mapping: yaml.MappingNode) -> Iterator[Command]:
    entries = {key.value: value for key, value in mapping.value if isinstance(key, yaml.ScalarNode)}
    shell = entries.get("shell")
    in_python = isinstance(shell, yaml.ScalarNode) and shell.value.startswith("python")
    for key, value in entries.items():
        if key in _SCRIPTS:
            for text in _texts(value):
                script, line = _expressionless(text.value), _line(text)
                if in_python:
                    yield from python_commands(script, shell_commands, line=line)
                else:
                    yield from shell_commands(script, line=line)
        elif isinstance(value, yaml.ScalarNode):
            if key in _WORDS and value.value:
                yield from shell_commands(_expressionless(value.value), line=_line(value))
            elif value.style in ("|", ">"):
                # A file in a ConfigMap.
                yield from script_commands(value.value, key, line=_line(value))
    listed = [text for key in _WORDS for text in _listed(entries.get(key))]
    if listed:
        words = tuple(Word(_expressionless(text.value), text.value) for text in listed)
        yield Command(_line(listed[0]), words)
        for script in inner_scripts(words):
            line = next(_line(text) for text in listed if _expressionless(text.value) == script)
            yield from shell_commands(script, line=line)


def _texts(node: yaml.Node) -> list[yaml.ScalarNode]:
    return [node] if isinstance(node, yaml.ScalarNode) else _listed(node)


def _listed(node: yaml.Node | None) -> list[yaml.ScalarNode]:
    if not isinstance(node, yaml.SequenceNode):
        return []
    return [item for item in node.value if isinstance(item, yaml.ScalarNode)]


def _line(node: yaml.ScalarNode) -> int:
    """The number of the first line of the text; for a block, the line below its indicator."""
    return int(node.start_mark.line) + (2 if node.style in ("|", ">") else 1)


def _expressionless(text: str) -> str:
    """The text with each expression of a workflow replaced by an unknown variable."""
    return _EXPRESSION.sub(lambda match: unknown_variable(match[1]), text)
