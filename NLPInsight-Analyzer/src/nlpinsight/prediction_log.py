"""What the service logs of each answer: numbers that describe the text, and the label.

Texts may contain anything. They are logged only if the operator asks for them
(``PREDICTION_LOG_TEXT``); the numbers show drift without them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from modelseal import OpenedModel
from modelwatch.log import LogSchema
from modelwatch.shadow import AnswerRows

from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.schema import Sentiment

SCHEMA: Final = LogSchema(
    features={
        "characters": "number",
        "words": "number",
        "in_vocabulary": "number",
        "truncated": "number",
        "text": "text",
    },
    outputs={"label": "category", "confidence": "number"},
    groups=("words",),
)


def describe(text: str, sentiment: Sentiment) -> dict[str, object]:
    """The features of a text that are numbers: its length as sent, and how much the model knew."""
    return {
        "characters": len(text),
        "words": len(text.split()),
        "in_vocabulary": sentiment.in_vocabulary,
        "truncated": int(sentiment.truncated),
    }


def features(texts: Sequence[str], sentiments: Sequence[Sentiment]) -> Iterator[dict[str, object]]:
    """The features of texts, with the texts, which the log leaves out unless asked for."""
    for text, sentiment in zip(texts, sentiments, strict=True):
        yield describe(text, sentiment) | {"text": text}


def challenger(opened: OpenedModel) -> AnswerRows:
    """What answers texts in the process of the shadow.

    Raises:
        TypeError: The model is one of another service.
    """
    model = opened.predictor
    if not isinstance(model, SentimentModel):
        raise TypeError(f"SHADOW_MODEL_DIR holds a model of another service: {type(model)}")

    def answer(
        texts: Sequence[str],
    ) -> tuple[Sequence[Mapping[str, object]], Sequence[Sentiment]]:
        sentiments = predict_sentiments(model, texts)
        return list(features(texts, sentiments)), sentiments

    return answer
