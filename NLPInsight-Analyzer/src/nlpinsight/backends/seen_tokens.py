"""The words of a fine-tuning, as tuples of token identifiers.

A pre-trained encoder reads any text, but its answers to words that fine-tuning never saw are
chance. The words of the training texts are sealed with the model, so that an answer can say which
share of its text is known. Words, not tokens: a German word consists of pieces of English words
that were all seen.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from pydantic import TypeAdapter
from tokenizers import Encoding, Tokenizer

from nlpinsight.arrays import Float64Array
from nlpinsight.text.hidden_words import LETTER

SEEN_TOKENS: Final = "seen_tokens.json"
"""The file of a sealed model that holds the words of its fine-tuning."""

Word = tuple[int, ...]
"""The identifiers of a word's tokens."""

_WORDS: Final = TypeAdapter(list[Word])

# Placeholders of tokenizers for unknown characters, which match any word.
_UNKNOWN: Final = ("[UNK]", "<unk>")


@dataclass(frozen=True)
class SeenTokens:
    """The words of a fine-tuning.

    Attributes:
        identifiers: The token identifiers of each word.
    """

    identifiers: frozenset[Word]

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str]) -> Self:
        """The words of training texts.

        Args:
            tokenizer: The tokenizer of the training, with its truncation.
            texts: The training texts, normalised.
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
        """The share of known words of a text.

        Args:
            text: The normalised text. Tokens without letters are not words.
            encoding: The text's tokens that the model reads.

        Returns:
            From 0 to 1; 0 if the text has no words.
        """
        words = _words(text, encoding)
        return sum(word in self.identifiers for word in words) / len(words) if words else 0.0

    def shares(self, tokenizer: Tokenizer, texts: Sequence[str]) -> Float64Array:
        """`share` of each of several normalised texts."""
        encodings = tokenizer.encode_batch(list(texts))
        shares: Iterable[float] = map(self.share, texts, encodings)
        return np.array(list(shares), dtype=np.float64)

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files, including these words."""
        return {**files, SEEN_TOKENS: json.dumps(sorted(self.identifiers)).encode()}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> "SeenTokens | None":
        """The words of a sealed model; None if it has none.

        Raises:
            ValueError: The file is invalid.
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
