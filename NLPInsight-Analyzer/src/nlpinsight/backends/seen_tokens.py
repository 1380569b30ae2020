"""Which words a fine-tuning saw, as the tokens that they are made of.

A pre-trained encoder reads any text, but what fine-tuning made of words that it never saw is
chance. The words that it saw are sealed with the model, so that an answer can say how much of its
text is among them. Words and not tokens: a German word is made of pieces of English ones, all of
which were seen.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter
from tokenizers import Encoding, Tokenizer

from nlpinsight.text.hidden_words import LETTER

__all__ = ["SEEN_TOKENS", "SeenTokens"]

SEEN_TOKENS: Final = "seen_tokens.json"
"""The file of a sealed model that holds the words that its fine-tuning saw."""

Word = tuple[int, ...]
"""The identifiers of a word's tokens."""

_WORDS: Final = TypeAdapter(list[Word])

# What a tokenizer puts in the place of what it cannot spell: seen in training, it says nothing.
_UNKNOWN: Final = ("[UNK]", "<unk>")


@dataclass(frozen=True)
class SeenTokens:
    """The words that a fine-tuning saw.

    Attributes:
        identifiers: Those of the tokens of each word.
    """

    identifiers: frozenset[Word]

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str]) -> Self:
        """Those of texts.

        Args:
            tokenizer: Cuts texts as the training cut them.
            texts: The training's texts, normalised.
        """
        unknown = {tokenizer.token_to_id(name) for name in _UNKNOWN}
        encodings = tokenizer.encode_batch(list(texts))
        seen = {
            word
            for text, encoding in zip(texts, encodings, strict=True)
            for word in _words(text, encoding)
        }
        return cls(frozenset(word for word in seen if unknown.isdisjoint(word)))

    def share(self, text: str, encoding: Encoding) -> float:
        """The share of a text's words that were seen.

        Args:
            text: The normalised text. What has no letter is not a word.
            encoding: The text's tokens, as far as the model reads them.

        Returns:
            From 0 to 1; 0 where the text has no word.
        """
        words = _words(text, encoding)
        return sum(word in self.identifiers for word in words) / len(words) if words else 0.0

    def shares(self, tokenizer: Tokenizer, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """`share` of each of several normalised texts."""
        encodings = tokenizer.encode_batch(list(texts))
        shares: Iterable[float] = map(self.share, texts, encodings)
        return np.array(list(shares), dtype=np.float64)

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files with these words among them."""
        return {**files, SEEN_TOKENS: json.dumps(sorted(self.identifiers)).encode()}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> "SeenTokens | None":
        """The words of a sealed model; None where it has no such file.

        Raises:
            ValueError: The file does not hold them.
        """
        if SEEN_TOKENS not in files:
            return None
        return cls(frozenset(_WORDS.validate_json(files[SEEN_TOKENS])))


def _words(text: str, encoding: Encoding) -> list[Word]:
    """The tokens of each word of a text, in the order of the text."""
    found: list[Word] = []
    word: list[int] = []
    last, first, behind = None, 0, 0

    def end() -> None:
        if word and LETTER.search(text, first, behind):
            found.append(tuple(word))

    rows = zip(encoding.word_ids, encoding.ids, encoding.offsets, strict=True)
    for number, identifier, (start, stop) in rows:
        if number != last:
            end()
            last, word, first = number, [], start
        if number is not None:
            word.append(identifier)
            behind = stop
    end()
    return found
