import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.evaluation import Report, evaluate
from nlpinsight.evaluation.metrics import measure
from nlpinsight.model import SentimentModel
from nlpinsight.report import EVALUATION, check_folder, write_report
from nlpinsight.schema import LABELS
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from servicekit.files import DataError
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

TARGETS = arrays.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 2))


@given(TARGETS, st.integers(0, 1000))
def test_the_figures_are_those_of_scikit_learn(
    targets: "np.typing.NDArray[np.int64]", seed: int
) -> None:
    scores = np.random.default_rng(seed).dirichlet([1, 1, 1], size=len(targets))
    answers = scores.argmax(axis=1)

    metrics = measure(targets, scores)

    assert metrics.accuracy == pytest.approx(accuracy_score(targets, answers))
    assert metrics.macro_f1 == pytest.approx(f1_score(targets, answers, average="macro"))
    assert metrics.log_loss == pytest.approx(log_loss(targets, scores, labels=[0, 1, 2]))
    assert metrics.confusion == confusion_matrix(targets, answers, labels=[0, 1, 2]).tolist()
    assert metrics.majority == np.bincount(targets).max() / len(targets)


def test_rates_with_nothing_to_count_are_null() -> None:
    metrics = measure(np.array([0, 0]), np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]))

    positive, neutral = metrics.labels["positive"], metrics.labels["neutral"]
    assert (positive.texts, positive.precision, positive.recall, positive.f1) == (
        0,
        None,
        None,
        None,
    )
    assert (neutral.precision, neutral.recall, neutral.f1) == (0, None, 0)
    assert metrics.confusion == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_an_impossible_answer_costs_much_and_not_infinitely_much() -> None:
    assert np.isfinite(measure(np.array([0]), np.array([[0.0, 0.0, 1.0]])).log_loss)


def test_bands_of_length_hold_every_text_once(model: SentimentModel, corpus: Corpus) -> None:
    evaluation = evaluate(model, corpus)

    assert sum(band.texts for band in evaluation.by_length) == len(corpus)
    weighted = sum(band.texts * band.accuracy for band in evaluation.by_length)
    assert weighted / len(corpus) == pytest.approx(evaluation.metrics.accuracy)
    assert all(
        a.most is not None and a.most < b.least
        for a, b in zip(evaluation.by_length, evaluation.by_length[1:], strict=False)
    )


def test_links_do_not_count_as_words(model: SentimentModel) -> None:
    corpus = Corpus(
        ("one two https://t.co/a https://t.co/b https://t.co/c x y z",), ("neutral",), ""
    )

    [band] = evaluate(model, corpus).by_length

    assert (band.least, band.most) == (1, 5)


def test_calibration_holds_every_text_once(model: SentimentModel, corpus: Corpus) -> None:
    calibration = evaluate(model, corpus).calibration

    assert sum(calibration.texts) == len(corpus)
    assert calibration.confidence == sorted(calibration.confidence)
    gaps = [abs(a - b) for a, b in zip(calibration.confidence, calibration.accuracy, strict=True)]
    assert calibration.error == pytest.approx(np.average(gaps, weights=calibration.texts))


def test_leaked_texts_are_counted_and_left_out_of_the_second_figure(
    model: SentimentModel,
) -> None:
    held_out = Corpus(("Acme beats!", "Quite another text here"), ("positive", "neutral"), "")
    training = Corpus(("ACME beats", "unrelated"), ("positive", "neutral"), "")

    leakage = evaluate(model, held_out, training=training.texts).leakage
    all_leaked = evaluate(model, held_out, training=held_out.texts).leakage

    assert leakage is not None
    assert (leakage.texts, leakage.identical) == (1, 1)
    assert leakage.without is not None
    assert leakage.without.texts == 1
    assert all_leaked is not None
    assert all_leaked.without is None


def test_truncated_texts_are_counted(model: SentimentModel) -> None:
    corpus = Corpus(("word " * 5000, "short"), ("neutral", "neutral"), "")

    assert evaluate(model, corpus).truncated == 1


def test_a_report_is_written_and_read_back(training: EvaluatedModel, tmp_path: Path) -> None:
    path = write_report(training.report, tmp_path / "new" / "reports")

    assert path.name == EVALUATION
    assert Report.model_validate_json(path.read_bytes()) == training.report
    document = json.loads(path.read_bytes())
    assert document["format"] == 1
    assert list(document["evaluation"]["metrics"]["labels"]) == list(LABELS)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match=r"file is a file\."):
        check_folder(tmp_path / "file")
