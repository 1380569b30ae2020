"""Finds texts of one set that occur, exactly or nearly, in another.

A model answers texts that it was trained on better than others. Two texts are the same if they have
the same words in the same order, regardless of case and punctuation; they are near-duplicates if
the Jaccard similarity of their words is at least `THRESHOLD`. Every such pair is found: enough of a
text's rarest words are looked up that no pair is missed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from servicekit.training_rows import digest_rows

from nlpinsight.text.normalisation import normalise

THRESHOLD: Final = 0.8

# Products such as 0.7 * 10 are slightly too large; rounded up, they would miss pairs.
_ROUNDING: Final = 1e-9

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class Match:
    """A text of one set, and the most similar text of the other.

    Attributes:
        index: Index of the text.
        other: Index of the most similar text of the other set; the first of equals.
        similarity: Jaccard similarity, 1 for the same words.
    """

    index: int
    other: int
    similarity: float


def wording(text: str) -> str:
    """The words of a text without case, punctuation and URLs; without words, the text itself."""
    normalised = normalise(text)
    return " ".join(_WORD.findall(normalised.casefold())) or normalised


def digest_texts(texts: Iterable[str]) -> list[int]:
    """Digests of raw texts, equal for texts with the same `wording`."""
    return digest_rows(map(wording, texts))


def nearest(
    texts: Sequence[str], others: Sequence[str], *, threshold: float = THRESHOLD
) -> list[Match]:
    """Find, for each text with near-duplicates among the others, the nearest.

    Args:
        texts: Raw texts to look up.
        others: Raw texts to search.
        threshold: Minimum similarity, above 0.
    """
    words = [frozenset(wording(text).split()) for text in texts]
    other_words = [frozenset(wording(text).split()) for text in others]
    often = Counter(word for one in (*words, *other_words) for word in one)

    def rarest(one: frozenset[str]) -> list[str]:
        ordered = sorted(one, key=lambda word: (often[word], word))
        return ordered[: len(one) - ceil(threshold * len(one) - _ROUNDING) + 1]

    holding: dict[str, list[int]] = defaultdict(list)
    for other, one in enumerate(other_words):
        for word in rarest(one):
            holding[word].append(other)

    def candidates(one: frozenset[str]) -> Iterator[tuple[float, int]]:
        for other in {other for word in rarest(one) for other in holding.get(word, ())}:
            shared = len(one & other_words[other])
            similarity = shared / (len(one) + len(other_words[other]) - shared)
            if similarity >= threshold - _ROUNDING:
                yield -similarity, other

    matches = []
    for index, one in enumerate(words):
        best = min(candidates(one), default=None)
        if best is not None:
            matches.append(Match(index, best[1], -best[0]))
    return matches
