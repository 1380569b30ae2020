"""Hides words of texts, to measure how a model answers texts with unknown words.

Nearly all words of held-out texts are known from the training. To measure how far an answer can be
trusted if few words are known, words are replaced by others of the same length that no training
contains.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

LETTER: Final = re.compile(r"[^\W\d_]")
"""Matches a letter of any script. Tokens with a letter are words; numbers and emoji are not."""

# Gothic: letters for every tokenizer, unchanged by normalisation, of no living language.
_FIRST: Final = 0x10330
_LETTERS: Final = 26


def hide_words(text: str, share: float, random: np.random.Generator) -> str:
    """Replace random words of a text by unknown ones.

    Args:
        text: The text, its words separated by white space.
        share: Probability that a word is replaced, from 0 to 1.
        random: Random generator.

    Returns:
        The text with the letters of those words replaced.
    """
    words = text.split()
    hidden = random.random(len(words)) < share
    return " ".join(
        "".join(chr(_FIRST + ord(one) % _LETTERS) if LETTER.match(one) else one for one in word)
        if is_hidden
        else word
        for word, is_hidden in zip(words, hidden.tolist(), strict=True)
    )


def hide_words_of_each(texts: Sequence[str], *, seed: int) -> list[str]:
    """Hide words of every text, each with its own random share from none to all.

    Args:
        texts: The texts.
        seed: Random seed of the shares and the words.
    """
    random = np.random.default_rng(seed)
    shares = random.random(len(texts)).tolist()
    return [hide_words(text, share, random) for text, share in zip(texts, shares, strict=True)]
