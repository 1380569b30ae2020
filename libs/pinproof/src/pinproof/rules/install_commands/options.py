"""Which options of an installer take a value, from the table of their help texts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pinproof.rules.install_commands.command import Word

TABLE = Path(__file__).with_name("installer_options.json")
"""The table, which `tests/installer_help.py` makes."""


class Argument(NamedTuple):
    """A positional argument, or an option with its value.

    Attributes:
        option: The longest spelling of the option; empty for a positional argument.
        word: The argument or the value; the option itself if it has none.
        place: The index of the word.
    """

    option: str
    word: Word
    place: int


def arguments(words: Sequence[Word], tool: str, command: str) -> Iterator[Argument]:
    """Yield the arguments of a command of a tool."""
    known = _options(tool, command)
    place = 0
    while place < len(words):
        word, start = words[place], place
        place += 1
        text = word.value
        if text == "--":
            yield from (Argument("", words[at], at) for at in range(place, len(words)))
            return
        if text in (";", "+"):
            # The end of the command in `find -exec`.
            return
        if not text.startswith("-") or text == "-":
            yield Argument("", word, start)
            continue
        for option, takes_value, joined in _split(text, known):
            if not takes_value or joined is not None:
                value = Word(joined, word.source) if joined is not None else word
                yield Argument(option, value, start)
            elif place < len(words):
                yield Argument(option, words[place], start)
                place += 1


def _split(
    text: str, known: Mapping[str, tuple[str, bool]]
) -> Iterator[tuple[str, bool, str | None]]:
    """Yield each option of a word, whether it takes a value, and the value in the same word."""
    if text.startswith("--"):
        written, equals, joined = text.partition("=")
        option, takes_value = known.get(written) or _abbreviated(written, known)
        yield option, takes_value, joined if equals else None
        return
    for place, letter in enumerate(text[1:], start=2):
        option, takes_value = known.get(f"-{letter}", (f"-{letter}", False))
        rest = text[place:].removeprefix("=")
        if takes_value and rest:
            yield option, True, rest
            return
        yield option, takes_value, None


def _abbreviated(written: str, known: Mapping[str, tuple[str, bool]]) -> tuple[str, bool]:
    """The option that a beginning of its name means, as pip and argparse read it."""
    longer = {known[spelling] for spelling in known if spelling.startswith(written)}
    return longer.pop() if len(longer) == 1 else (written, False)


@cache
def _options(tool: str, command: str) -> Mapping[str, tuple[str, bool]]:
    """Each spelling of an option, with the longest one, and whether it takes a value.

    The options of the command itself count first, then those of the tool, of its other commands,
    and of other tools: installers use one name for one thing, except for single letters.
    """
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    merged: dict[str, tuple[str, bool]] = {}
    own = table.get(tool, {"commands": {}})["commands"]
    for other in table.values():
        for options in other["commands"].values():
            _add(merged, options, letters=False)
    for options in (*own.values(), own.get("", {}), own.get(command, {})):
        _add(merged, options, letters=options is own.get(command) or options is own.get(""))
    return merged


def _add(
    merged: dict[str, tuple[str, bool]], options: Mapping[str, bool], *, letters: bool
) -> None:
    for written, takes_value in options.items():
        spellings = written.split()
        longest = max(spellings, key=len)
        for spelling in spellings:
            if letters or spelling.startswith("--"):
                merged[spelling] = longest, takes_value
