"""HTML entities in text: resolved in one pass, however often they were escaped.

Texts from feeds and web pages arrive escaped, sometimes twice (``&amp;amp;``). The result of
`unescape` has no entity left that it would resolve, so resolving twice changes nothing.
"""

import html
import re
import unicodedata
from typing import Final

__all__ = ["unescape"]

# The longest name is CounterClockwiseContourIntegral. Without the semicolon nothing is an entity:
# "R&D" and "?a=1&copy=2" mean what they say.
_LONGEST: Final = 33
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,29}|#[xX][0-9a-fA-F]{1,28}|[a-zA-Z][a-zA-Z0-9]{1,30});")


def unescape(text: str, invisible: re.Pattern[str]) -> str:
    """Replace HTML entities by what they mean, in compatibility form (NFKC).

    What entities spell can be part of another entity; those are resolved as well. An entity that
    is no longer than what it means (``&#65018;`` is a phrase of 18 letters) stays as it is, so that
    a text never grows.

    Args:
        text: Takes time linear in its length.
        invisible: Characters that are dropped from what an entity means.
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
    # A number that is no character is white space, as control characters are.
    meant = unicodedata.normalize("NFKC", invisible.sub("", meant)) if meant else " "
    return meant if len(meant) < len(entity) else None
