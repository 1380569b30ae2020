"""Which tokens a fine-tuning saw, and which share of a text's words is made of them.

A pre-trained encoder has numbers for many thousand tokens, and what fine-tuning made of those that
it never saw is chance. The tokens that it saw are sealed with the model, so that an answer can say
how much of its text is among them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from nlpinsight.hidden_words import LETTER

__all__ = ["SEEN_TOKENS", "SeenTokens"]

SEEN_TOKENS: Final = "seen_tokens.json"
"""The file of a sealed model that holds the tokens that its fine-tuning saw."""

# What a tokenizer puts in the place of what it cannot spell: seen in training, it says nothing.
_UNKNOWN: Final = ("[UNK]", "<unk>")


@dataclass(frozen=True)
class SeenTokens:
    """The identifiers of the tokens that a fine-tuning saw."""

    identifiers: frozenset[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str]) -> Self:
        """Those of texts.

        Args:
            tokenizer: Cuts texts as the training cut them.
            texts: The training's texts, normalised.
        """
        seen = {one for encoding in tokenizer.encode_batch(list(texts)) for one in encoding.ids}
        return cls(frozenset(seen - {tokenizer.token_to_id(name) for name in _UNKNOWN}))

    def share(self, text: str, encoding: Encoding) -> float:
        """The share of a text's words all of whose tokens were seen.

        Args:
            text: The normalised text. What has no letter is not a word.
            encoding: The text's tokens, as far as the model reads them.

        Returns:
            From 0 to 1; 0 where the text has no word.
        """
        seen: dict[int, bool] = {}
        rows = zip(encoding.word_ids, encoding.ids, encoding.offsets, strict=True)
        spans: dict[int, tuple[int, int]] = {}
        for word, identifier, (start, end) in rows:
            if word is not None:
                seen[word] = seen.get(word, True) and identifier in self.identifiers
                spans[word] = (spans.get(word, (start, end))[0], end)
        words = [word for word, (start, end) in spans.items() if LETTER.search(text, start, end)]
        return sum(seen[word] for word in words) / len(words) if words else 0.0

    def shares(self, tokenizer: Tokenizer, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """`share` of each of several normalised texts."""
        encodings = tokenizer.encode_batch(list(texts))
        shares: Iterable[float] = map(self.share, texts, encodings)
        return np.array(list(shares), dtype=np.float64)

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files with these tokens among them."""
        return {**files, SEEN_TOKENS: json.dumps(sorted(self.identifiers)).encode()}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> "SeenTokens | None":
        """The tokens of a sealed model; None where it has no such file.

        Raises:
            ValueError: The file does not hold them.
        """
        if SEEN_TOKENS not in files:
            return None
        found = json.loads(files[SEEN_TOKENS])
        if not isinstance(found, list) or not all(type(one) is int for one in found):
            raise ValueError(f"{SEEN_TOKENS} is not a list of token identifiers.")
        return cls(frozenset(found))
