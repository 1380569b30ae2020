"""Predicts the sentiment of chunks of texts, on this machine."""

import os
from collections.abc import Sequence
from contextlib import closing

from servicekit.parallel import ParallelFunction, map_ordered

from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.schema import Sentiment

Judge = ParallelFunction[list[str], list[Sentiment]]
"""From texts to the answer to each, as the text gets it alone."""


def on_this_machine(model: SentimentModel) -> Judge:
    """A judge of one chunk at a time.

    A transformer computes each text alone (`nlpinsight.backends.transformer`), on all cores. The
    work of ``tfidf`` is Python's, of which one thread runs at a time.
    """
    if model.backend == "tfidf":
        return ParallelFunction(lambda texts: predict_sentiments(model, texts), threads=1)
    return ParallelFunction(lambda texts: _one_by_one(model, texts), threads=1)


def _one_by_one(model: SentimentModel, texts: Sequence[str]) -> list[Sentiment]:
    def answer(place: int) -> list[Sentiment]:
        return predict_sentiments(model, [texts[place]])

    # Longest first, so that no thread is left with a long text while the others wait.
    places = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
    with closing(map_ordered(answer, places, os.cpu_count() or 1)) as answers:
        by_place = {place: found for place, [found] in zip(places, answers, strict=True)}
    return [by_place[place] for place in range(len(texts))]
