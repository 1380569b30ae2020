"""The paths of a repository's files in an image, from COPY and ADD."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from pinproof.rules.install_commands.command import Command, Word


class CopiedFiles:
    """The copied files of one build stage, after the instructions that were read."""

    def __init__(self) -> None:
        self._folder = "/"
        self._copied: list[tuple[str, str]] = []

    def change_folder(self, path: str) -> None:
        """WORKDIR."""
        self._folder = self._absolute(path)

    def copy(self, paths: Sequence[str]) -> None:
        """COPY or ADD from the repository: the sources, and the target as the last path."""
        *sources, target = paths
        into = self._absolute(target)
        for source in sources:
            inside = source.lstrip("/") or "."
            # The source may be a file, or a folder whose contents are copied.
            self._copied.append((into, inside))
            self._copied.append((f"{into.rstrip('/')}/{PurePosixPath(inside).name}", inside))

    def locate(self, command: Command) -> Command:
        """The command with each path of a copied file replaced by its path in the repository."""
        words = tuple(
            replace(word, value=self._source(word)) if word.value.startswith("/") else word
            for word in command.words
        )
        return replace(command, words=words)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(PurePosixPath(self._folder, path))

    def _source(self, word: Word) -> str:
        path, bracket, extras = word.value.partition("[")
        for target, source in reversed(self._copied):
            if PurePosixPath(path).is_relative_to(target):
                below = PurePosixPath(source, PurePosixPath(path).relative_to(target))
                return f"./{below}{bracket}{extras}" if str(below) != "." else f".{bracket}{extras}"
        return word.value
