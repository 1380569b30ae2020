"""What a text, a sentiment and an explanation are, and the answers of the HTTP interface.

The labels are in one order everywhere: columns of scores, rows and columns of confusion matrices,
`all_scores`.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from servicekit.answer_warnings import AnswerWarning

__all__ = [
    "LABELS",
    "MAX_BATCH_TEXTS",
    "MAX_TEXT_CHARACTERS",
    "Backend",
    "BatchResponse",
    "Explanation",
    "Label",
    "PredictionResponse",
    "Sentiment",
    "TextRequest",
    "Unit",
    "WordContribution",
]

Label = Literal["negative", "neutral", "positive"]
Backend = Literal["tfidf", "transformer"]
Unit = Literal["characters", "tokens"]

LABELS: Final[tuple[Label, ...]] = get_args(Label)

MAX_BATCH_TEXTS: Final = 500

# What a request may hold, as it is sent and once it is normalised. What a model reads of it may be
# less; the answer says so.
MAX_TEXT_CHARACTERS: Final = 20_000

Score = Annotated[float, Field(ge=0, le=1)]


class TextRequest(BaseModel):
    """One text, in English: a headline, a post, a sentence of a report.

    What takes long to see is not looked at here, where others wait: that it holds something to
    judge, and how long it is once it is normalised.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Acme beats estimates and raises its outlook"}]},
    )

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class Sentiment(BaseModel):
    """What a model says of one text.

    Attributes:
        label: The class with the highest score.
        confidence: That score.
        all_scores: The probability of every class. Where no word of the text is known, they are
            the shares of the classes in the training.
        in_vocabulary: The share of the text's words that the model knows from its training; null
            where the model was sealed without what it knows.
        warnings: Why the answer deserves less trust than others; empty if nothing is known
            against it.
        truncated: Whether the text is longer than what the model reads; the rest was ignored.
        unit: What the model counts a text's length in, once it is normalised.
        used: How many of them it read.
        total: How many there are.
    """

    model_config = ConfigDict(frozen=True)

    label: Label
    confidence: Score
    all_scores: dict[Label, Score]
    in_vocabulary: Score | None
    warnings: list[AnswerWarning]
    truncated: bool
    unit: Unit
    used: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]


class PredictionResponse(BaseModel):
    """The answer for one text.

    Attributes:
        prediction: What the model says.
        model: The back end that said it.
        model_version: The version of the sealed model.
        inference_time_ms: How long the model took, without HTTP and without waiting.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    prediction: Sentiment
    model: Backend
    model_version: str
    inference_time_ms: float


class BatchResponse(BaseModel):
    """The answers for a batch, in the order of its texts."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    predictions: list[Sentiment]
    count: int
    model: Backend
    model_version: str
    inference_time_ms: float


class WordContribution(BaseModel):
    """A word of a text, and what it adds to the decision.

    Attributes:
        word: The word, as it stands in the normalised text.
        start: Where it begins there, in characters.
        contribution: What it adds to the explained label's value; below zero, it speaks against.
    """

    model_config = ConfigDict(frozen=True)

    word: str
    start: int
    contribution: float


class Explanation(BaseModel):
    """Which words moved a decision.

    Attributes:
        method: How the contributions were computed, and in what they are measured.
        label: The label that is explained: the predicted one unless another was asked for.
        text: The normalised text, as far as the model read it.
        truncated: Whether it goes on behind that; what stands there moved nothing.
        exact: Whether ``base`` and the contributions sum to ``value``.
        base: What the label has before any word; null where that is not defined.
        value: The label's value for this text.
        words: The words in the order of the text.
        warnings: Why the answer deserves less trust than others: where no word is known, it is
            the base rates of the training, whatever the contributions.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    label: Label
    text: str
    truncated: bool
    exact: bool
    base: float | None
    value: float
    words: list[WordContribution]
    warnings: list[AnswerWarning]
