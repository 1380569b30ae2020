"""One normalisation of text, for training, evaluation and every request, whatever the back end.

What is said in the same words must get the same label. So, in this order:

1. What nobody sees is removed: zero-width and bidirectional marks, soft hyphens, byte order
   marks, variation selectors. Control characters (null bytes among them) and lone surrogates
   become spaces.
2. NFKC: the composed, the decomposed and the compatibility form of the same text are one text,
   full-width letters and ligatures included. Runs of combining marks are cut at `MAX_MARKS`
   first, the limit of Unicode's stream-safe format: ordering a longer run takes quadratic time.
3. URLs are removed: which article a text links to is no property of its wording.
4. White space of any kind and length becomes one space; none is left at the ends.

Letter case, punctuation, digits, emoji and cashtags stay: each back end does with them what it
was trained to do.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

__all__ = [
    "MAX_MARKS",
    "EmptyTextError",
    "grows",
    "is_longer",
    "normalise",
    "normalise_all",
]

MAX_MARKS: Final = 30

# Unicode's category Cf, the variation selectors and other characters that render as nothing. Those
# that are visible or stand for something (the Arabic number signs, musical beams) are kept.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]+"
)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_URL: Final = re.compile(r"(?:\bhttps?://|\bwww\.)\S+", re.IGNORECASE)


# One character can stand for eighteen, and NFKC lets no other thread run until it is done: so much
# of a text of unknown length at a time.
_PIECE: Final = 512


class EmptyTextError(ValueError):
    """A text has nothing left to judge once it is normalised.

    Attributes:
        places: The texts that have not, counted from 0.
    """

    def __init__(self, message: str, places: Sequence[int]) -> None:
        super().__init__(message)
        self.places = tuple(places)


def normalise(text: str) -> str:
    """The text as every back end reads it; empty where nothing is left."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _cut_marks(_INVISIBLE.sub("", text)))
    return " ".join(_URL.sub(" ", _CONTROL.sub(" ", text)).split())


def normalise_all(texts: Sequence[str]) -> list[str]:
    """Normalise texts that must all have something to judge.

    Raises:
        EmptyTextError: One has nothing left; the message says which, counted from 0.
    """
    normalised = [normalise(text) for text in texts]
    if "" in normalised:
        raise EmptyTextError(
            f"Text {normalised.index('')} has nothing to judge: it is empty, or only white space, "
            "invisible characters or URLs. Leave it out.",
            [place for place, text in enumerate(normalised) if not text],
        )
    return normalised


def grows(text: str) -> bool:
    """Whether a text may be longer once it is normalised."""
    return not (text.isascii() or unicodedata.is_normalized("NFKC", text))


def is_longer(text: str, limit: int) -> bool:
    """Whether a text has more characters than a limit once they are in compatibility form (NFKC).

    However long that form is, about so much of it is computed as the limit.
    """
    if text.isascii():
        return len(text) > limit
    length = 0
    for start in range(0, len(text), _PIECE):
        length += len(unicodedata.normalize("NFKC", text[start : start + _PIECE]))
        if length > limit:
            return True
    return False


def _cut_marks(text: str) -> str:
    if not any(map(unicodedata.combining, text)):
        return text
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
