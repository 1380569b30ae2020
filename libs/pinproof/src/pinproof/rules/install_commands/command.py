"""A command: what a shell would run, as far as it can be told without running it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

__all__ = ["UNKNOWN", "Command", "Word", "inner_scripts", "unknown_variable"]

UNKNOWN = "\0"
"""Stands in a word for what is only known when the command runs."""

_NAME = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command.

    Attributes:
        value: The word as the command receives it, with `UNKNOWN` for each part that is not known.
        source: The word as it is written, for messages.
    """

    value: str
    source: str

    @property
    def is_known(self) -> bool:
        """Whether all of it is known."""
        return UNKNOWN not in self.value


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments.

    Attributes:
        line: The line that it begins on, counted from 1.
        words: The program and its arguments.
    """

    line: int
    words: tuple[Word, ...]


def inner_scripts(words: Sequence[Word]) -> Iterator[str]:
    """What a command hands to a shell as one word: `bash -c "..."`, `eval "..."`."""
    program = PurePosixPath(words[0].value).name if words else ""
    if program == "eval":
        yield " ".join(word.value for word in words[1:])
        return
    for before, word in pairwise(words):
        if " " in word.value and (program in ("ssh", "trap") or _hands_over(before.value)):
            yield word.value


def _hands_over(option: str) -> bool:
    return option in ("--command", "--run") or (
        option.startswith("-") and not option.startswith("--") and option.endswith("c")
    )


def unknown_variable(what: str) -> str:
    """A variable for a shell to read, for an expression of the language that writes its text."""
    return "${" + (_NAME.sub("_", what).strip("_") or "unknown") + "}"
