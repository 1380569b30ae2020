"""Texts with some of their words hidden, to see what a model is worth where it knows few of them.

Held-out texts are like those of the training: nearly all of their words are known. How far an
answer can be trusted where few words are known is measured on the same texts with words replaced
by others of the same length that no training can have seen.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

__all__ = ["LETTER", "hide_words", "hide_words_of_each"]

LETTER: Final = re.compile(r"[^\W\d_]")
"""Matches a letter of any script. What has one is a word; numbers, marks and emoji are not."""

# Gothic: letters to every tokenizer, unchanged by normalisation, and of no living language.
_FIRST: Final = 0x10330
_LETTERS: Final = 26


def hide_words(text: str, share: float, random: np.random.Generator) -> str:
    """Replace some of a text's words by words that no model knows.

    Args:
        text: The text, its words separated by white space.
        share: The probability of each word to be replaced, from 0 to 1.
        random: Decides which words.

    Returns:
        The text with its letters replaced in those words. Everything else stays.
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
    """Hide words of every text, each text with its own share between none and all.

    Args:
        texts: The texts.
        seed: Decides the shares and the words.
    """
    random = np.random.default_rng(seed)
    shares = random.random(len(texts)).tolist()
    return [hide_words(text, share, random) for text, share in zip(texts, shares, strict=True)]
