"""Commands as a shell would run them, as far as is known without running them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath

from pinproof.rules.install_commands.tables import is_name, names

UNKNOWN = "\0"
"""The placeholder in a word for a value that is known only at run time."""

_NAME = re.compile(r"\W+", re.ASCII)
_RAISED = re.compile(r"(?:[A-Z]\w*)?(?:Error|Exception|Warning|Exit|Skipped)")
_DOES = re.compile(r"(?<!assert_)call|cmd|command|exec|install|run|shell|system")
# Programs whose arguments are scripts.
_RUNNERS = frozenset({"eval", "parallel", "ssh", "trap", "watch"})
_OPTIONS = re.compile(r"(?:--(?:command|run|exec|cmd|script|shell)|-[A-Za-z]*c)")
_JOINED = re.compile(r"--(?:command|run|exec|cmd|script|shell)=(.+)", re.DOTALL)
INSTALLERS = (
    r"(?:pip(?:x|env|-sync)?[\d.]*|uvx?|conda|(?:micro)?mamba|poetry|pdm|rye|pixi|easy_install"
    r"|apk|apt|apt-get|aptitude|dnf|microdnf|tdnf|yum|zypper|pacman)"
)
"""Matches the names of installers."""
_CALL = re.compile(
    r"(?:^|[;&|]|\n)\s*(?:(?:sudo|exec|command|env|time|nohup|then|do|\w+=\S*)\s+(?:-\w+\s+)*)*"
    rf"[%!]?(?:\S*/)?(?:python[\d.]*\s+-\w*m\s*)?{INSTALLERS}\s"
)


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
        settings: The variables of its environment that the script sets, such as `PIP_PRE=1`.
    """

    line: int
    words: tuple[Word, ...]
    settings: tuple[Word, ...] = ()


def is_harmless(words: Sequence[str]) -> bool:
    """Whether a command only prints, searches or stores its arguments."""
    program = PurePosixPath(words[0]).name
    if program == "command":
        return len(words) > 1 and words[1] in ("-v", "-V")
    return is_name("harmless", program) or shows(program)


@cache
def shows(name: str) -> bool:
    """Whether a program or function only shows or compares a text."""
    found = re.fullmatch(rf"(?:.*_)?(?:{names('shows')})(?:_.*)?|print[a-z]*", name)
    return bool(found or _RAISED.fullmatch(name)) and not _DOES.search(name)


def is_call(text: str) -> bool:
    """Whether a text is a script that begins with the call of an installer, or has one."""
    return bool(_CALL.search(text))


def inner_scripts(words: Sequence[Word]) -> Iterator[str]:
    """Yield the scripts that are words of a command: `bash -c "..."`, `eval "..."`.

    For any other program, a word is a script if it calls an installer.
    """
    if not words or is_harmless([word.value for word in words]):
        return
    program = PurePosixPath(words[0].value).name
    if "python" in program:
        for before, word in pairwise(words):
            if before.value == "-c":
                yield shlex.join([program, "-c", word.value])
        return
    if program == "eval":
        yield " ".join(word.value for word in words[1:])
        return
    given = [word for word in words if word.value != "--"]
    for before, word in pairwise(given):
        joined = _JOINED.fullmatch(word.value)
        if joined:
            yield joined[1]
        elif not any(character in word.value for character in " \n\t"):
            continue
        elif program in _RUNNERS or _OPTIONS.fullmatch(before.value) or is_call(word.value):
            yield word.value


def unknown_variable(what: str) -> str:
    """A shell variable that replaces an expression of another language in a script."""
    return "${" + (_NAME.sub("_", what).strip("_") or "unknown") + "}"
