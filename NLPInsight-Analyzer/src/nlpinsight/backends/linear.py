"""The linear model of a text's terms, which the tfidf back end computes for every request.

It computes the same sums as the scikit-learn pipeline (`nlpinsight.training.linear_pipeline`), for
the terms of one text instead of sparse matrices, and without importing scikit-learn, which would
take most of a service's start. `linear_pipeline.export` makes it and checks that both agree.
"""

import io
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nlpinsight.arrays import Float64Array
from nlpinsight.ngrams import character_terms, fold, pairs_of, tokens
from nlpinsight.schema import LABELS
from nlpinsight.text.hidden_words import LETTER

_TERMS: Final = "terms.json"
_WEIGHTS: Final = "weights.npz"


@dataclass(frozen=True)
class Block:
    """One kind of terms. A text's weighted counts are normalised to length 1.

    Attributes:
        terms: Known terms, in the order of the rows below.
        idf: Inverse document frequency of each term.
        weights: Weight of each term for each label: terms x labels.
    """

    terms: tuple[str, ...]
    idf: Float64Array
    weights: Float64Array


class LinearModel:
    """Scores normalised texts.

    Args:
        words: Words and pairs of words.
        characters: Character n-grams.
        intercept: Intercept of each label.
    """

    def __init__(self, words: Block, characters: Block, intercept: Float64Array) -> None:
        self._words = _Lookup(words)
        self._characters = _Lookup(characters)
        self.intercept = intercept
        self._known = frozenset(
            term for term in words.terms if " " not in term and LETTER.search(term)
        )

    @property
    def size(self) -> int:
        """The number of known terms."""
        return len(self._words.block.terms) + len(self._characters.block.terms)

    def decide(self, texts: Sequence[str]) -> tuple[Float64Array, Float64Array]:
        """The decision function, and the share of known words of each text.

        Args:
            texts: Normalised texts.

        Returns:
            The decisions (texts x labels), and for each text the share of its words (tokens with a
            letter) that are terms of the model, 0 without words.
        """
        found = np.empty((len(texts), len(LABELS)), dtype=np.float64)
        shares = np.empty(len(texts), dtype=np.float64)
        for row, text in enumerate(texts):
            spoken = tokens(fold(text))
            found[row] = (
                self._words.sum_of(spoken + pairs_of(spoken))
                + self._characters.sum_of(character_terms(text))
                + self.intercept
            )
            shares[row] = self._share(spoken)
        return found, shares

    def known_share(self, text: str) -> float:
        """The share of known words of a normalised text; see `decide`."""
        return self._share(tokens(fold(text)))

    def contributions(self, text: str) -> Float64Array:
        """The contribution of each word of a normalised text to the decision: words x labels.

        A term inside a word belongs to that word, a pair of words half to each. A repeated term is
        shared among its occurrences, because only the logarithm of their number counts. With the
        intercept, the rows sum to the decision.
        """
        words = text.split()
        rows = np.zeros((len(words), len(LABELS)), dtype=np.float64)
        owners: dict[str, list[int]] = defaultdict(list)
        spoken: list[str] = []
        speakers: list[int] = []
        pieces: dict[str, list[int]] = defaultdict(list)
        for index, word in enumerate(words):
            for token in tokens(fold(word)):
                owners[token] += [index, index]
                spoken.append(token)
                speakers.append(index)
            for piece in character_terms(word):
                pieces[piece].append(index)
        pairs = pairs_of(spoken)
        for place, pair in enumerate(pairs):
            owners[pair] += speakers[place : place + 2]
        for lookup, holders, terms in (
            (self._words, owners, spoken + pairs),
            (self._characters, pieces, character_terms(text)),
        ):
            for term, value in lookup.values_of(terms):
                share = value / len(holders[term])
                for index in holders[term]:
                    rows[index] += share
        return rows

    def _share(self, spoken: list[str]) -> float:
        known = sum(token in self._known for token in spoken)
        unknown = sum(
            token not in self._known and LETTER.search(token) is not None for token in spoken
        )
        return known / (known + unknown) if known or unknown else 0.0

    def to_files(self) -> dict[str, bytes]:
        """The files of the model by name, without pickles."""
        words, characters = self._words.block, self._characters.block
        arrays = io.BytesIO()
        np.savez(
            arrays,
            words_idf=words.idf,
            words_weights=words.weights,
            characters_idf=characters.idf,
            characters_weights=characters.weights,
            intercept=self.intercept,
        )
        terms = {"words": words.terms, "characters": characters.terms}
        return {
            _TERMS: json.dumps(terms, ensure_ascii=False).encode(),
            _WEIGHTS: arrays.getvalue(),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "LinearModel":
        """Read what `to_files` wrote."""
        terms = json.loads(files[_TERMS])
        with np.load(io.BytesIO(files[_WEIGHTS]), allow_pickle=False) as arrays:
            words, characters = (
                Block(tuple(terms[kind]), arrays[f"{kind}_idf"], arrays[f"{kind}_weights"])
                for kind in ("words", "characters")
            )
            return cls(words, characters, arrays["intercept"])


class _Lookup:
    def __init__(self, block: Block) -> None:
        self.block = block
        self._rows = {term: row for row, term in enumerate(block.terms)}

    def sum_of(self, terms: list[str]) -> Float64Array:
        """The sum of the terms of a text, for each label."""
        rows, values = self._values(Counter(terms))
        return np.asarray(values @ self.block.weights[rows], dtype=np.float64)

    def values_of(self, terms: list[str]) -> list[tuple[str, Float64Array]]:
        """The value of each known term of a text, for each label."""
        counts = Counter(terms)
        rows, values = self._values(counts)
        known = [term for term in counts if term in self._rows]
        return list(zip(known, values[:, np.newaxis] * self.block.weights[rows], strict=True))

    def _values(self, counts: Mapping[str, int]) -> tuple[npt.NDArray[np.intp], Float64Array]:
        # Flat lists and one look-up per term, because requests spend most of their time here.
        row_of = self._rows.get
        rows, numbers = [], []
        for term, count in counts.items():
            row = row_of(term)
            if row is not None:
                rows.append(row)
                numbers.append(count)
        found = np.array(rows, dtype=np.intp)
        values = (1.0 + np.log(np.array(numbers, dtype=np.float64))) * self.block.idf[found]
        length = float(np.sqrt(values @ values))
        return found, values / length if length else values
