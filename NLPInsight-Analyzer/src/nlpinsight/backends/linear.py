"""The linear model of a text's terms, which the tfidf back end computes for every request.

It computes the same sums as the scikit-learn pipeline (`nlpinsight.training.linear_pipeline`), for
the terms of one text instead of sparse matrices, and without importing scikit-learn, which would
take most of a service's start. `linear_pipeline.export` makes it and checks that both agree.
"""

import io
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from nlpinsight.arrays import Float64Array
from nlpinsight.ngrams import character_terms, fold, pairs_of, pieces_of, tokens
from nlpinsight.schema import LABELS
from nlpinsight.text.hidden_words import LETTER

_TERMS: Final = "terms.json"
_WEIGHTS: Final = "weights.npz"

# Words whose n-grams are kept, some 500 bytes each, and the longest of them.
_KEPT_WORDS: Final = 16_384
_LONGEST_KEPT: Final = 40


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
        self._intercepts: list[float] = intercept.tolist()
        # Texts consist of few words, again and again.
        self._part_of_known_word = lru_cache(_KEPT_WORDS)(self._part_of)
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
            found[row], shares[row] = self.decide_one(text)
        return found, shares

    def decide_one(self, text: str) -> tuple[list[float], float]:
        """The decision function, and the share of known words, of one text; see `decide`."""
        folded = fold(text)
        spoken = tokens(folded)
        words = self._words.sum_of([self._words.part(spoken + pairs_of(spoken))])
        characters = self._characters.sum_of(list(map(self._part_of_word, folded.split())))
        decision = [
            one + other + intercept
            for one, other, intercept in zip(words, characters, self._intercepts, strict=True)
        ]
        return decision, self._share(spoken)

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

    def _part_of_word(self, word: str) -> "_Part":
        return (self._part_of_known_word if len(word) <= _LONGEST_KEPT else self._part_of)(word)

    def _part_of(self, word: str) -> "_Part":
        """The character n-grams of a folded word."""
        return self._characters.part(pieces_of(word))

    def _share(self, spoken: list[str]) -> float:
        others = [token for token in spoken if token not in self._known]
        known = len(spoken) - len(others)
        unknown = sum([LETTER.search(token) is not None for token in others])
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
    """The known terms of a block, with what each contributes before normalisation.

    Texts are added up in Python: they have so few terms that calls of numpy would take longer.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.row_of: Final = {term: row for row, term in enumerate(block.terms)}
        values = block.idf[:, np.newaxis] * block.weights
        self._values: list[tuple[float, ...]] = list(map(tuple, values.tolist()))
        self._squares: list[float] = (block.idf**2).tolist()

    def part(self, terms: Iterable[str]) -> "_Part":
        """The known terms of a part of a text."""
        row_of = self.row_of.get
        rows = tuple([row for term in terms if (row := row_of(term)) is not None])
        return _Part(
            rows,
            _add([self._values[row] for row in rows]),
            sum([self._squares[row] for row in rows]),
        )

    def sum_of(self, parts: Sequence["_Part"]) -> list[float]:
        """The sum of the terms of a text, for each label."""
        if len(parts) == 1 and len(set(parts[0].rows)) == len(parts[0].rows):
            return _normalised(parts[0].values, parts[0].square)
        counts = Counter(chain.from_iterable([part.rows for part in parts]))
        total = _add([part.values for part in parts])
        square = sum([part.square for part in parts])
        if len(counts) < sum([len(part.rows) for part in parts]):
            # A term that occurs n times counts 1 + log n times, not n times.
            for row, count in [one for one in counts.items() if one[1] > 1]:
                weight = 1.0 + math.log(count)
                square += self._squares[row] * (weight * weight - count)
                more, values = weight - count, self._values[row]
                total = [one + more * value for one, value in zip(total, values, strict=True)]
        return _normalised(total, square)

    def values_of(self, terms: list[str]) -> list[tuple[str, Float64Array]]:
        """The value of each known term of a text, for each label."""
        counts = {term: n for term, n in Counter(terms).items() if term in self.row_of}
        rows = np.array([self.row_of[term] for term in counts], dtype=np.intp)
        numbers = np.array(list(counts.values()), dtype=np.float64)
        weights = (1.0 + np.log(numbers)) * self.block.idf[rows]
        length = float(np.sqrt(weights @ weights)) or 1.0
        rows_of_terms = (weights / length)[:, np.newaxis] * self.block.weights[rows]
        return list(zip(counts, rows_of_terms, strict=True))


class _Part(NamedTuple):
    """The known terms of a part of a text, as if each occurred once in the text.

    Attributes:
        rows: The row of each term.
        values: The sum of the terms, for each label.
        square: The sum of the squares of their weights.
    """

    rows: tuple[int, ...]
    values: list[float]
    square: float


def _normalised(total: list[float], square: float) -> list[float]:
    length = math.sqrt(square)
    return [one / length for one in total] if length else total


def _add(rows: Sequence[Sequence[float]]) -> list[float]:
    return list(map(sum, zip(*rows, strict=True))) if rows else [0.0] * len(LABELS)
