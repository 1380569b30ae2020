"""Tells commands from sentences about them, in files that contain both."""

import re

from pinproof.rules.install_commands.command import Command

# Words of sentences that are hardly ever arguments.
_WORDS = frozenset(
    {"also", "and", "are", "because", "but", "can", "could"}
    | {"has", "have", "instead", "is", "it", "its", "may", "must", "need", "needs"}
    | {"or", "please", "should", "that", "the", "then", "these", "this", "to", "using", "via"}
    | {"we", "when", "which", "will", "with", "would", "you", "your"}
)
# First words of instructions to people: "Install", "Note:", "run".
_FIRST = re.compile(r"[A-Z][a-z]+[:,]?|run|try|use|see|install|installing|installs|requires?")
# Keys of values for people.
PROSE_KEYS = frozenset(
    {"about", "categories", "caption", "classifiers", "comment", "comments", "desc", "description"}
    | {"displayname", "doc", "docs", "documentation", "explanation", "failuremessage"}
    | {"heading", "help", "hint", "info", "keywords", "label", "longdescription", "message", "msg"}
    | {"name", "note", "notes", "placeholder", "purpose", "question", "readme", "reason"}
    | {"subject", "subtitle", "summary", "tags", "title", "tooltip", "topics"}
)


def is_prose_key(key: str) -> bool:
    """Whether the values of a key are for people."""
    return key.replace("_", "").replace("-", "").lower() in PROSE_KEYS


def is_prose(command: Command) -> bool:
    """Whether a command of an unknown text looks like a sentence."""
    values = [word.value for word in command.words]
    plain = {value.strip(".,:;!?()").lower() for value in values}
    return bool(values and _FIRST.fullmatch(values[0])) or not _WORDS.isdisjoint(plain)
