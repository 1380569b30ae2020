import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nlpinsight.backends.calibration import Calibrator, HeldOut
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.evaluation import evaluate
from nlpinsight.evaluation.reliability import (
    by_vocabulary,
    calibration_of,
    describe_calibration,
    reliability,
)
from nlpinsight.model import SentimentModel
from numpy.typing import NDArray

SCORES = np.array([[0.9, 0.1, 0.0], [0.6, 0.2, 0.2], [0.2, 0.8, 0.0], [0.1, 0.2, 0.7]])
RAW = np.array([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2], [0.1, 0.9, 0.0], [0.3, 0.3, 0.4]])


def test_reliability_is_confidence_beside_accuracy_before_and_after() -> None:
    found = reliability(np.array([0, 1, 1, 2]), SCORES, RAW)

    assert (found.texts, found.accuracy) == (4, 0.75)
    assert found.confidence == pytest.approx((0.9 + 0.6 + 0.8 + 0.7) / 4)
    # Of fewer than a hundred texts, all are one bin.
    assert found.error == pytest.approx(0.0)
    assert found.uncalibrated_error == pytest.approx(abs((1 + 0.5 + 0.9 + 0.4) / 4 - 0.75))
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.2, 0.8, 0.7]).mean())
    assert found.uncalibrated_log_loss == pytest.approx(-np.log([1.0, 0.3, 0.9, 0.4]).mean())


def test_bands_are_of_no_word_of_some_and_of_every_word() -> None:
    known = np.array([0.0, 0.1, 0.5, 1.0])

    bands = by_vocabulary(np.array([0, 1, 1, 2]), SCORES, RAW, known)

    assert [(band.least, band.most) for band in bands] == [(0, 0), (0, 0.25), (0.5, 0.75), (1, 1)]
    assert [band.texts for band in bands] == [1, 1, 1, 1]
    assert [band.accuracy for band in bands] == [1, 0, 1, 1]


@given(arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1)))
def test_every_text_is_in_one_band(known: NDArray[np.float64]) -> None:
    targets, scores = np.zeros(len(known), dtype=np.int64), np.full((len(known), 3), 1 / 3)

    bands = by_vocabulary(targets, scores, scores, known)

    assert sum(band.texts for band in bands) == len(known)
    assert all(band.texts > 0 for band in bands)


def test_a_fit_is_described_on_texts_as_they_are_and_with_words_hidden() -> None:
    calibrator = Calibrator(temperature=2, reach=1, base_rates=(0.2, 0.5, 0.3), texts=4)
    held_out = HeldOut(
        np.log(SCORES + 1e-9),
        np.array([1.0, 1.0, 0.0, 0.0]),
        np.array([0, 1, 0, 1]),
        np.array([False, False, True, True]),
    )

    found = describe_calibration(calibrator, held_out)

    assert (found.as_they_are.texts, found.words_hidden.texts) == (2, 2)
    assert found.words_hidden.confidence == pytest.approx(0.5)
    assert found.words_hidden.log_loss == pytest.approx(-np.log([0.2, 0.5]).mean())
    assert [band.texts for band in found.by_vocabulary] == [2, 2]


def test_an_evaluation_says_how_far_confidence_can_be_relied_on(
    model: SentimentModel, corpus: Corpus
) -> None:
    foreign = Corpus((*corpus.texts[:60], "\u5229\u76ca"), (*corpus.labels[:60], "neutral"), "")

    evaluation = evaluate(model, foreign)

    assert evaluation.reliability is not None
    assert evaluation.by_vocabulary is not None
    assert evaluation.reliability.log_loss == evaluation.metrics.log_loss
    assert sum(band.texts for band in evaluation.by_vocabulary) == 61
    assert (evaluation.by_vocabulary[0].least, evaluation.by_vocabulary[0].texts) == (0, 1)
    assert evaluation.warnings == {"no_known_term": 1}


def test_texts_of_one_confidence_are_one_bin() -> None:
    scores = np.array([[0.6, 0.3, 0.1]] * 200 + [[0.9, 0.1, 0.0]] * 100)
    targets = np.array([0, 1] * 100 + [0] * 90 + [1] * 10)

    found = calibration_of(targets, scores)

    assert found.texts == [200, 100]
    assert found.confidence == pytest.approx([0.6, 0.9])
    assert found.accuracy == pytest.approx([0.5, 0.9])
    assert found.error == pytest.approx(0.1 * 200 / 300)
