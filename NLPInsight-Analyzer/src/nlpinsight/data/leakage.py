"""What is in one set of texts and, word for word or nearly, in another.

A model that has seen a text answers it better than one like it. Two texts are the same where their
words are, in order, whatever their case and punctuation; they are nearly the same where the words
they share are at least `THRESHOLD` of the words that either has (Jaccard). Every such pair is
found: a text's rarest words are looked up, as many as make sure that no pair is missed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from servicekit.training_rows import digest_rows

from nlpinsight.text.normalisation import normalise

__all__ = ["THRESHOLD", "Match", "digest_texts", "nearest", "wording"]

THRESHOLD: Final = 0.8

# Products such as 0.7 * 10 come out a little too large; rounded up, they would miss pairs.
_ROUNDING: Final = 1e-9

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class Match:
    """A text of the one set, and the most similar text of the other.

    Attributes:
        index: Of the text.
        other: Of the most similar text of the other set; the first of equals.
        similarity: Jaccard, 1 where the same words are used.
    """

    index: int
    other: int
    similarity: float


def wording(text: str) -> str:
    """The words of a text, without case, punctuation and URLs; of a text without words, itself."""
    normalised = normalise(text)
    return " ".join(_WORD.findall(normalised.casefold())) or normalised


def digest_texts(texts: Iterable[str]) -> list[int]:
    """Digests of the words of raw texts: the same for texts that `wording` takes for the same."""
    return digest_rows(map(wording, texts))


def nearest(
    texts: Sequence[str], others: Sequence[str], *, threshold: float = THRESHOLD
) -> list[Match]:
    """For each text that has a near-duplicate among the others, the nearest.

    Args:
        texts: The texts that are looked up, raw.
        others: Where they are looked for.
        threshold: The least similarity, above 0.
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
