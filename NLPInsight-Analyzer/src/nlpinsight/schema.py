"""Labels, requests and responses.

The labels are declared here and nowhere else; files, training, golden texts, responses, columns of
results and help texts follow. For other labels, change the declaration, and train again. The labels
have one order everywhere: columns of scores, confusion matrices, `all_scores`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from servicekit.answer_warnings import AnswerWarning

# The declaration of the labels begins.
Label = Literal["negative", "neutral", "positive"]

# The title of the labels, for the documentation of the interface.
SUBJECT: Final = "Sentiment of financial text"

# Typical texts of every label, for documentation and golden texts. Sealed models contain them.
EXAMPLES: Final = (
    "Acme beats estimates and raises its outlook for the year",
    "Acme misses estimates and cuts its outlook for the year",
    "Acme to report second-quarter results on Thursday",
    "Shares rally to a record high after strong earnings",
    "Shares plunge after the company warns of heavy losses",
    "The board meets in Stockholm on 12 May",
    "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn a year earlier",
    "Net sales fell by 12% and the company will lay off 400 employees",
    "The company has 1,200 employees in 14 countries",
)

# Other names of labels in files, and of the classes of fine-tuned networks; in lower case.
OTHER_NAMES: Final[Mapping[str, Label]] = {
    "bearish": "negative",
    "bullish": "positive",
    "neg": "negative",
    "neu": "neutral",
    "pos": "positive",
}

# Presets of --labels besides ascending numbers: how public files number the labels.
NUMBERINGS: Final[Mapping[str, Mapping[float, Label]]] = {
    "tfns": {0.0: "negative", 1.0: "positive", 2.0: "neutral"}
}
# The declaration of the labels ends.

Backend = Literal["tfidf", "transformer"]
Unit = Literal["characters", "tokens"]

LABELS: Final[tuple[Label, ...]] = get_args(Label)

# Names of other columns of results, and of other fields of reports.
_TAKEN: Final = frozenset(
    {"text", "label", "prediction", "confidence", "in_vocabulary", "truncated", "warnings"}
    | {"source", "read_as", "label_map", "texts", "nothing_to_judge", "sha256"}
)


def check_labels(labels: Sequence[str]) -> None:
    """Check a declaration of labels.

    Raises:
        TypeError: It is not two or more names that differ in more than case, or a name cannot be
            written in the formats that hold labels.
    """
    taken = [one for one in labels if one.lower() in _TAKEN]
    unwritable = [one for one in labels if not one or one != one.strip() or set(one) & set(",=@")]
    if wrong := [*taken, *unwritable]:
        raise TypeError(
            f"Label in nlpinsight/schema.py declares {', '.join(map(repr, wrong))}. Choose another "
            f"name: without comma, = and @, without white space at its ends, and none of "
            f"{', '.join(sorted(_TAKEN))}."
        )
    if len({one.lower() for one in labels}) < max(2, len(labels)):
        raise TypeError(
            "Label in nlpinsight/schema.py must declare two or more names that differ in more than "
            f"case, not {', '.join(labels)}."
        )


check_labels(LABELS)

_NAMES: Final[Mapping[str, Label]] = {**OTHER_NAMES, **{label.lower(): label for label in LABELS}}

MAX_BATCH_TEXTS: Final = 500

# Maximum length of a text, as sent and once normalised. A model may read less; answers say so.
MAX_TEXT_CHARACTERS: Final = 20_000

Score = Annotated[float, Field(ge=0, le=1)]


class TextRequest(BaseModel):
    """One text: a headline, a post, a sentence of a report."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"text": EXAMPLES[0]}]},
    )

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class Sentiment(BaseModel):
    """The prediction for one text.

    Attributes:
        label: The label with the highest score.
        confidence: That score.
        all_scores: The probability of every label. If no word of the text is known, they are the
            shares of the labels in the training.
        in_vocabulary: Share of the text's words that occurred in training; null for models
            without vocabulary.
        warnings: Reasons to trust the prediction less.
        truncated: Whether the end of the text was ignored because it is too long.
        unit: Unit of length of the normalised text.
        used: Length that the model read.
        total: Length of the text.
        prediction_id: Name of the prediction in the prediction log, by which its outcome may be
            reported; null if it is not logged.
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
    prediction_id: str | None = None


class WordContribution(BaseModel):
    """The contribution of a word to a prediction.

    Attributes:
        word: The word in the normalised text.
        start: Index of its first character.
        contribution: Contribution to the label's value; negative if it counts against the label.
    """

    model_config = ConfigDict(frozen=True)

    word: str
    start: int
    contribution: float


class Explanation(BaseModel):
    """Explanation of a prediction by its words.

    Attributes:
        method: Method and unit of the contributions.
        label: The explained label: the predicted one, or the requested one.
        text: The part of the normalised text that the model read.
        truncated: Whether the end of the text was ignored.
        exact: Whether ``base`` and the contributions sum to ``value``.
        base: The label's value without words; null if undefined.
        value: The label's value for this text.
        words: The words in the order of the text.
        warnings: Reasons to trust the prediction less. If no word is known, the prediction is the
            base rates of the training, whatever the contributions.
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


class PredictionResponse(BaseModel):
    """The response for one text.

    Attributes:
        prediction: The prediction.
        model: The back end.
        model_version: Version of the sealed model.
        inference_time_ms: Duration of the prediction, without HTTP, waiting and explanation.
        explanation: With ``explain=true``, the explanation; else null.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    prediction: Sentiment
    model: Backend
    model_version: str
    inference_time_ms: float
    explanation: Explanation | None = None


class BatchResponse(BaseModel):
    """The response for a batch, in the order of its texts."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    predictions: list[Sentiment]
    count: int
    model: Backend
    model_version: str
    inference_time_ms: float


def label_named(name: str) -> Label | None:
    """Return the label with this name, in upper or lower case; None if no label has it."""
    return _NAMES.get(name.strip().lower())
