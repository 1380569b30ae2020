"""Reads the requirements of a conda environment."""

import re

import yaml

from pinproof.repository.manifest_lines import is_python_package, version_line
from pinproof.repository.requirements import Line, Spelling, parse_line

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# name, then a version after `=`, `==`, another operator or a space, then a build
_PACKAGE = re.compile(r"(?:[^:\s]+::)?([\w.-]+)\s*(?:\[.*\])?\s*(.*)")
_BUILD = re.compile(r"^(=?\s*[^=<>!~\s]+)(?:=|\s+)[\w.*]+$")


_CHANNELS = re.compile(rb"^channels\s*:", re.MULTILINE)
_DEPENDENCIES = re.compile(rb"^dependencies\s*:", re.MULTILINE)


def is_environment(data: bytes) -> bool:
    """Whether a YAML file of any name is a conda environment."""
    return _CHANNELS.search(data) is not None and _DEPENDENCIES.search(data) is not None


class CondaError(ValueError):
    """The file is not YAML."""


def parse_conda(path: str, text: str) -> tuple[Line, ...] | None:
    """Parse an environment file; None if the file has no list `dependencies`.

    Raises:
        CondaError: The file is not YAML.
    """
    if "dependencies" not in text:
        return None
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        raise CondaError("it is not YAML") from error
    found = _entry(root, "dependencies")
    if not isinstance(found, yaml.SequenceNode):
        return None
    lines: list[Line] = []
    for item in found.value:
        number = item.start_mark.line + 1
        if isinstance(item, yaml.ScalarNode):
            package = _PACKAGE.fullmatch(item.value.strip())
            if package is not None and is_python_package(name := package[1]):
                version = _BUILD.sub(r"\1", package[2])
                lines.append(
                    version_line(
                        path, number, "dependencies", name, version, Spelling.CONDA, text=item.value
                    )
                )
        elif isinstance(listed := _entry(item, "pip"), yaml.SequenceNode):
            lines += (
                parse_line(path, each.start_mark.line + 1, each.value)
                for each in listed.value
                if isinstance(each, yaml.ScalarNode)
            )
    return tuple(lines)


def _entry(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key and isinstance(value, yaml.Node):
                return value
    return None
