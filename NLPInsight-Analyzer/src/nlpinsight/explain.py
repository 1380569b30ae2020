"""Which words moved a decision.

The linear back end is told exactly: its decision is a sum over terms, every term stands in one
word or between two, and what the words are given adds up to the decision. Any other model is told
by occlusion: each word is left out in turn, and what the label's probability loses is the word's.
Words that need each other, such as "not bad", are then both given the whole of what they do
together, and nothing adds up.
"""

from typing import Final, Protocol, cast

import numpy as np
import numpy.typing as npt

from nlpinsight.model import Reading, SentimentModel, warnings_of
from nlpinsight.schema import LABELS, Explanation, Label, WordContribution

__all__ = ["EXACT", "MAX_WORDS", "OCCLUSION", "explain"]

Floats = npt.NDArray[np.float64]

EXACT: Final = (
    "exact contributions to the decision function (log-odds, before normalisation and calibration)"
)
OCCLUSION: Final = "occlusion: what the label's probability loses when the word is left out"

# Each costs the model one more look at the text. No model here reads more words than these.
MAX_WORDS: Final = 512

# What is left of a text of one word when the word is left out.
_NOTHING: Final = "."


def explain(model: SentimentModel, text: str, *, label: Label | None = None) -> Explanation:
    """Explain what a model says of a text.

    Args:
        model: Either back end.
        text: Raw.
        label: The label to explain; the predicted one where none is given.

    Raises:
        EmptyTextError: The text has nothing left once it is normalised.
    """
    scores = model.scores([text])[0]
    place = int(scores.argmax()) if label is None else LABELS.index(label)
    if model.backend == "tfidf":
        return _exact(cast("_WithLinear", model), text, place)
    return _occlusion(model, text, place, float(scores[place]))


class _Linear(Protocol):
    intercept: Floats

    def contributions(self, text: str) -> Floats: ...


class _WithLinear(Protocol):
    linear: _Linear

    def read(self, texts: list[str]) -> tuple[list[str], list[Reading]]: ...


def _exact(model: _WithLinear, text: str, place: int) -> Explanation:
    [read], [reading] = model.read([text])
    contributions = model.linear.contributions(read)[:, place]
    base = float(model.linear.intercept[place])
    return Explanation(
        method=EXACT,
        label=LABELS[place],
        text=read,
        truncated=reading.truncated,
        exact=True,
        base=base,
        value=base + float(contributions.sum()),
        words=_words(read, contributions.tolist()),
        warnings=warnings_of(reading),
    )


def _occlusion(model: SentimentModel, text: str, place: int, value: float) -> Explanation:
    # Only what the model read: words behind it moved nothing, and would come into its sight here
    # when another is left out.
    [seen], [reading] = model.read([text])
    words = seen.split()
    told, words = len(words), words[:MAX_WORDS]
    without = [
        " ".join([*words[:index], *words[index + 1 :]]) or _NOTHING for index in range(len(words))
    ]
    losses = value - model.scores(without)[:, place]
    read = " ".join(words)
    return Explanation(
        method=OCCLUSION,
        label=LABELS[place],
        text=read,
        truncated=reading.truncated or told > MAX_WORDS,
        exact=False,
        base=None,
        value=value,
        words=_words(read, losses.tolist()),
        warnings=warnings_of(reading),
    )


def _words(text: str, contributions: list[float]) -> list[WordContribution]:
    found, start = [], 0
    for word, contribution in zip(text.split(), contributions, strict=True):
        found.append(WordContribution(word=word, start=start, contribution=contribution))
        start += len(word) + 1
    return found
