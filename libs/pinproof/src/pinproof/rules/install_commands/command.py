"""Commands as a shell would run them, as far as is known without running them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

UNKNOWN = "\0"
"""The placeholder in a word for a value that is known only at run time."""

_NAME = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command.

    Attributes:
        value: The word that the command receives, with `UNKNOWN` for each unknown part.
        source: The word as written, for messages.
    """

    value: str
    source: str

    @property
    def is_known(self) -> bool:
        """Whether the whole word is known."""
        return UNKNOWN not in self.value


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments.

    Attributes:
        line: The number of its first line, from 1.
        words: The program and its arguments.
    """

    line: int
    words: tuple[Word, ...]


def inner_scripts(words: Sequence[Word]) -> Iterator[str]:
    """Yield the scripts that are words of a command: `bash -c "..."`, `eval "..."`."""
    program = PurePosixPath(words[0].value).name if words else ""
    if program == "eval":
        yield " ".join(word.value for word in words[1:])
        return
    for before, word in pairwise(words):
        if " " in word.value and (program in ("ssh", "trap") or _takes_script(before.value)):
            yield word.value


def _takes_script(option: str) -> bool:
    return option in ("--command", "--run") or (
        option.startswith("-") and not option.startswith("--") and option.endswith("c")
    )


def unknown_variable(what: str) -> str:
    """A shell variable that replaces an expression of another language in a script."""
    return "${" + (_NAME.sub("_", what).strip("_") or "unknown") + "}"
