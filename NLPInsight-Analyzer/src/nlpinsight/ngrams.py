"""Features of the linear back end: words, pairs of words, and character n-grams inside words.

Training and serving share these functions. Only pairs of words span white space, so that the
contribution of a word is exact. Sealed pipelines name this module in their pickle.
"""

import re
from itertools import pairwise
from typing import Final

SHORTEST: Final = 3
LONGEST: Final = 5

# Words with marks that matter in finance ($AAPL, 0.5%, AT&T), and every other mark.
_TOKEN: Final = re.compile(r"[$#]?\w[\w.&'-]*\w%?|[$+\-]?\d[\d.,]*%?|[^\w\s]")
_DIGIT: Final = re.compile(r"\d")


def fold(text: str) -> str:
    """Fold a normalised text: lower case, and every digit a 0.

    The exact numbers carry no sentiment and would split the counts.
    """
    return _DIGIT.sub("0", text.lower())


def word_terms(text: str) -> list[str]:
    """The words of a normalised text and its pairs of neighbouring words."""
    found = tokens(fold(text))
    return found + pairs_of(found)


def character_terms(text: str) -> list[str]:
    """The n-grams of three to five characters of each word, with a space at both ends."""
    return [piece for word in fold(text).split() for piece in pieces_of(word)]


def pieces_of(word: str) -> list[str]:
    """The n-grams of a folded word."""
    padded = f" {word} "
    end = len(padded)
    return [
        padded[start : start + length]
        for length in range(SHORTEST, min(LONGEST, end) + 1)
        for start in range(end - length + 1)
    ]


def tokens(folded: str) -> list[str]:
    """The words of a folded text."""
    return _TOKEN.findall(folded)


def pairs_of(words: list[str]) -> list[str]:
    """Neighbouring words, joined by a space."""
    return [f"{one} {other}" for one, other in pairwise(words)]
