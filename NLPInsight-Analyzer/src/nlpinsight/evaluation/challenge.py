"""Splits labelled texts for a challenge, and scores the texts that were held out."""

from modelseal import Manifest
from servicekit.challenges import (
    ScoredRows,
    find_trained_on,
    hold_out,
    row_names,
    time_answers,
)

from nlpinsight.data.corpus import Corpus
from nlpinsight.data.leakage import digest_texts
from nlpinsight.evaluation.evaluation import length_bands
from nlpinsight.model import SentimentModel, predict_sentiments

_CHUNK = 64


def split_corpus(corpus: Corpus, champion: Manifest) -> tuple[Corpus, Corpus]:
    """Split labelled texts into texts to train on, and texts that a model was not trained on.

    Texts with the same words stay on one side.

    Raises:
        DataError: There are no such texts, or the model does not record its training texts.
    """
    held_out = hold_out(digest_texts(corpus.texts), champion)
    inside = [index for index, out in enumerate(held_out) if not out]
    return corpus.only(inside), corpus.only([index for index, out in enumerate(held_out) if out])


def score_corpus(
    model: SentimentModel, manifest: Manifest, corpus: Corpus
) -> tuple[ScoredRows, list[float]]:
    """Score labelled texts that are not empty once normalised.

    Args:
        model: The model.
        manifest: Its manifest, which records digests of the training texts.
        corpus: The texts.

    Returns:
        The scored texts, and the CPU time of the first texts' answers in microseconds.
    """
    answers = [
        answer
        for start in range(0, len(corpus), _CHUNK)
        for answer in predict_sentiments(model, corpus.texts[start : start + _CHUNK])
    ]
    digests = digest_texts(corpus.texts)
    rows = ScoredRows(
        rows=row_names(digests),
        trained_on=find_trained_on(digests, manifest),
        outcomes=corpus.labels,
        outputs={
            "label": [answer.label for answer in answers],
            "confidence": [answer.confidence for answer in answers],
        },
        groups={"words": length_bands(corpus.texts)},
    )

    def answer(row: int) -> None:
        predict_sentiments(model, [corpus.texts[row]])

    return rows, time_answers(answer, len(corpus))
