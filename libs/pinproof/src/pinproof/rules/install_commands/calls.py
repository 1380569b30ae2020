"""Tells the calls of installers from texts that only mention them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from pinproof.repository.installer_words import INSTALLERS
from pinproof.rules.install_commands.command import Command, Word
from pinproof.rules.install_commands.tables import is_name, names

_RAISED = re.compile(r"(?:[A-Z]\w*)?(?:Error|Exception|Warning|Exit|Skipped)")
_DOES = re.compile(r"(?<!assert_)call|cmd|command|exec|install|run|shell|system|model")
_STARTS = re.compile(
    r"call|cmd|command|exec|run|shell|system|popen|spawn|output|check_|argv|args?$|(?:^|_)main$|entry|script"
    r"|program|hook",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:^|[;&|]|\n)\s*(?:(?:sudo|exec|command|env|time|nohup|then|do|\w+=\S*)\s+(?:-\w+\s+)*)*"
    rf"[%!]?(?:\S*/)?(?:python[\d.]*\s+-\w*m\s*)?{INSTALLERS}\s"
)

# Programs and data files have many names of functions and keys.
_NAMES = 4096


def is_call(text: str) -> bool:
    """Whether a text is a script that begins with the call of an installer, or has one."""
    return bool(_CALL.search(text))


def is_harmless(words: Sequence[Word]) -> bool:
    """Whether a command only prints, searches or stores its arguments."""
    if not words:
        return True
    program = PurePosixPath(words[0].value).name
    if program == "command":
        return len(words) > 1 and words[1].value in ("-v", "-V")
    return is_name("harmless", program) or shows(program)


@lru_cache(maxsize=_NAMES)
def shows(name: str) -> bool:
    """Whether a program or function only shows or compares a text."""
    found = re.fullmatch(rf"(?:.*_)?(?:{names('shows')})(?:_.*)?|print[a-z]*", name)
    return bool(found or _RAISED.fullmatch(name)) and not _DOES.search(name)


@lru_cache(maxsize=_NAMES)
def starts(name: str) -> bool:
    """Whether a function or a key has a program that is started."""
    return not shows(name) and bool(_STARTS.search(name))


@lru_cache(maxsize=_NAMES)
def is_prose_key(key: str) -> bool:
    """Whether the values of a key are for people."""
    return is_name("prose_keys", re.sub("[ _-]", "", key).lower())


def is_prose(command: Command) -> bool:
    """Whether a command of an unknown text looks like a sentence."""
    values = [word.value for word in command.words]
    plain = (value.strip(".,:;!?()").lower() for value in values)
    return bool(values) and (
        is_name("first_words", values[0]) or any(is_name("prose", value) for value in plain)
    )
