"""Finds the requirements files that commands name, whatever their names."""

import re
from collections.abc import Iterator

from pinproof.repository.installer_words import INSTALLER

_OPTION = re.compile(
    rb"(?:(?<![\w-])(?:-[rc]|--requirements?|--constraints?|--requirements-file)[\s=\"',-]*"
    rb"|\brequirements:\s*[\"']?)(?=[\w.$])([\w./-]+)"
)
_NAME = re.compile(INSTALLER.pattern.encode(), re.IGNORECASE)
_BEFORE = 300


def referenced_files(data: bytes) -> Iterator[str]:
    """Yield the names that follow options such as `-r`, near to an installer."""
    for found in _OPTION.finditer(data):
        if _NAME.search(data, max(0, found.start() - _BEFORE), found.end()):
            yield found[1].decode("ascii", "replace")
