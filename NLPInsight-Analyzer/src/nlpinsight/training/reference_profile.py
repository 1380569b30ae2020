"""The reference profile that is sealed with a model: reports compare the prediction log with it."""

from typing import Any, Final

from modelwatch.profile import ReferenceProfile, Task, make_profile

from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.evaluation import BANDS
from nlpinsight.evaluation.metrics import Metrics
from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.prediction_log import SCHEMA, describe

_CHUNK: Final = 64


def reference_profile(model: SentimentModel, corpus: Corpus, metrics: Metrics) -> ReferenceProfile:
    """Describe texts that a model was not trained on, and its answers.

    Args:
        model: The model.
        corpus: The texts.
        metrics: The metrics of these texts.
    """
    rows: list[dict[str, Any]] = []
    outputs: dict[str, list[Any]] = {name: [] for name in SCHEMA.outputs}
    for start in range(0, len(corpus), _CHUNK):
        texts = corpus.texts[start : start + _CHUNK]
        for text, answer in zip(texts, predict_sentiments(model, texts), strict=True):
            rows.append(describe(text, answer))
            for name, column in outputs.items():
                column.append(getattr(answer, name))
    return make_profile(
        SCHEMA,
        features={
            name: [row[name] for row in rows]
            for name, kind in SCHEMA.features.items()
            if kind != "text"
        },
        outputs=outputs,
        # A band begins with its lower boundary.
        group_edges={"words": [end + 1 for end in BANDS]},
        task=Task(
            kind="classes",
            output="label",
            performance={"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1},
        ),
    )
