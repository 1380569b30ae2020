"""What the service logs of each answer: numbers that describe the text, and the label.

Texts may contain anything. They are logged only if the operator asks for them
(``PREDICTION_LOG_TEXT``); the numbers show drift without them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from modelseal import OpenedModel
from modelwatch.log import LogSchema, ServiceLog
from modelwatch.shadow import AnswerRows
from servicekit import Runtime

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


def record(
    log: ServiceLog, runtime: Runtime, texts: Sequence[str], sentiments: Sequence[Sentiment]
) -> None:
    """Record the answers to a request, and offer its texts to the shadow."""
    if log.log is not None:
        # Now, so that texts that are not logged do not wait in memory.
        features = [describe(*one) for one in zip(texts, sentiments, strict=True)]
        if log.with_texts:
            features = [row | {"text": text} for row, text in zip(features, texts, strict=True)]
        log.record(runtime, features, sentiments, rows=texts)


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
        features = [
            describe(text, sentiment) | {"text": text}
            for text, sentiment in zip(texts, sentiments, strict=True)
        ]
        return features, sentiments

    return answer
