"""Resolves HTML entities in one pass, even if they were escaped repeatedly.

Texts from feeds and web pages are often escaped, sometimes twice (``&amp;amp;``). `unescape` is
idempotent: its result has no entity that it would resolve.
"""

import html
import re
import unicodedata
from typing import Final

# The longest name is CounterClockwiseContourIntegral. The semicolon is required, so that "R&D" and
# "?a=1&copy=2" stay.
_LONGEST: Final = 33
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,29}|#[xX][0-9a-fA-F]{1,28}|[a-zA-Z][a-zA-Z0-9]{1,30});")


def unescape(text: str, invisible: re.Pattern[str]) -> str:
    """Replace HTML entities by their characters, in compatibility form (NFKC).

    Characters of resolved entities can form further entities, which are resolved, too. An entity
    that is not longer than its characters (``&#65018;`` is a phrase of 18 letters) is kept, so
    that a text never grows. Takes linear time.

    Args:
        text: The text.
        invisible: Characters to remove from the result of an entity.
    """
    if not _ENTITY.search(text):
        return text
    left: list[str] = []
    ampersands: list[int] = []  # their places in `left`
    waiting = list(reversed(text))
    while waiting:
        character = waiting.pop()
        left.append(character)
        if character == "&":
            ampersands.append(len(left) - 1)
        elif character == ";" and ampersands and len(left) - ampersands[-1] <= _LONGEST:
            entity = "".join(left[ampersands[-1] :])
            meaning = _meaning(entity, invisible)
            if meaning is not None:
                del left[ampersands.pop() :]
                waiting.extend(reversed(meaning))
    return "".join(left)


def _meaning(entity: str, invisible: re.Pattern[str]) -> str | None:
    if not _ENTITY.fullmatch(entity):
        return None
    meant = html.unescape(entity)
    if meant == entity or ";" in meant[1:]:  # unknown, or known only by the beginning of its name
        return None
    # An invalid character number becomes white space, like control characters.
    meant = unicodedata.normalize("NFKC", invisible.sub("", meant)) if meant else " "
    return meant if len(meant) < len(entity) else None
