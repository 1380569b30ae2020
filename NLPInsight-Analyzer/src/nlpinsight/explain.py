"""Explains predictions by the contributions of words.

The linear back end is explained exactly: its decision is a sum over terms, every term belongs to
one or two words, and the contributions of the words sum to the decision. Other models are explained
by occlusion: a word's contribution is the probability that the label loses without it. Words that
act together, such as "not bad", then both get the whole effect, and the contributions do not sum to
anything.
"""

from typing import Final, Protocol, cast

from nlpinsight.arrays import Float64Array
from nlpinsight.model import Reading, SentimentModel, warnings_of
from nlpinsight.schema import LABELS, Explanation, Label, WordContribution

EXACT: Final = (
    "exact contributions to the decision function (log-odds, before normalisation and calibration)"
)
OCCLUSION: Final = "occlusion: the probability that the label loses without the word"

# Each word costs one more prediction. No model here reads more words.
MAX_WORDS: Final = 512

# Replaces a text of one word when the word is left out.
_NOTHING: Final = "."


def explain(model: SentimentModel, text: str, *, label: Label | None = None) -> Explanation:
    """Explain a model's prediction for a text.

    Args:
        model: A model of either back end.
        text: The raw text.
        label: The label to explain; the predicted one if None.

    Raises:
        EmptyTextError: The text is empty once normalised.
    """
    scores = model.scores([text])[0]
    place = int(scores.argmax()) if label is None else LABELS.index(label)
    if model.backend == "tfidf":
        return _exact(cast("_WithLinear", model), text, place)
    return _occlusion(model, text, place, float(scores[place]))


class _Linear(Protocol):
    intercept: Float64Array

    def contributions(self, text: str) -> Float64Array: ...


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
    # Only the part that the model read: later words had no effect, but would be read when another
    # word is left out.
    [seen], [reading] = model.read([text])
    words = seen.split()
    count, words = len(words), words[:MAX_WORDS]
    without = [
        " ".join([*words[:index], *words[index + 1 :]]) or _NOTHING for index in range(len(words))
    ]
    losses = value - model.scores(without)[:, place]
    read = " ".join(words)
    return Explanation(
        method=OCCLUSION,
        label=LABELS[place],
        text=read,
        truncated=reading.truncated or count > MAX_WORDS,
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
