"""Splits the arguments of an installer into options, their values and positional arguments."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pinproof.rules.install_commands.command import Word
from pinproof.rules.install_commands.tables import options

_Known = Mapping[str, tuple[str, bool]]


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
    pending = iter(enumerate(words))
    for place, word in pending:
        text = word.value
        if text == "--":
            yield from (Argument("", rest, at) for at, rest in pending)
        elif text in (";", "+"):
            # The end of the command in `find -exec`.
            return
        elif not text.startswith("-") or text == "-":
            yield Argument("", word, place)
        else:
            for option, takes_value, joined in _split(text, known):
                value = word if joined is None else Word(joined, word.source)
                if takes_value and joined is None:
                    _, value = next(pending, (place, word))
                yield Argument(option, value, place)


def _split(text: str, known: _Known) -> Iterator[tuple[str, bool, str | None]]:
    """Yield each option of a word, whether it takes a value, and the value in the same word."""
    if text.startswith("--"):
        written, equals, joined = text.partition("=")
        # pip and argparse accept the beginning of a name.
        longer = {known[name] for name in known if name.startswith(written)}
        fallback = longer.pop() if len(longer) == 1 else (written, False)
        yield *known.get(written, fallback), joined if equals else None
        return
    for place, letter in enumerate(text[1:], start=2):
        option, takes_value = known.get(f"-{letter}", (f"-{letter}", False))
        rest = text[place:].removeprefix("=")
        yield option, takes_value, rest if takes_value and rest else None
        if takes_value:
            return


@cache
def _options(tool: str, command: str) -> _Known:
    """Each spelling of an option, with the longest one, and whether it takes a value.

    The options of the command itself count first, then those of the tool, of its other commands,
    and of other tools: installers use one name for one thing, except for single letters.
    """
    own = options().get(tool, {"commands": {}})["commands"]
    general, specific = own.get("", {}), own.get(command, {})
    others = [each for entry in options().values() for each in entry["commands"].values()]
    return {
        spelling: (max(written.split(), key=len), takes_value)
        for group in (*others, *own.values(), general, specific)
        for written, takes_value in group.items()
        for spelling in written.split()
        if spelling.startswith("--") or group is general or group is specific
    }
