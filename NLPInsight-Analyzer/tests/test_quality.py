"""What the models must achieve on the real texts.

The linear one is trained for it, and skipped where the texts are absent.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from nlpinsight.data.corpus import judgeable, load_corpus
from nlpinsight.data.labels import parse_label_map
from nlpinsight.data.split import split_and_filter
from nlpinsight.evaluation.evaluation import evaluate
from nlpinsight.text.hidden_words import hide_words_of_each
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.evaluate_and_seal import EvaluatedModel, evaluate_trained
from nlpinsight.training.train_tfidf import train_tfidf

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def trained(real_data: Path) -> EvaluatedModel:
    tfns = parse_label_map("tfns")
    train, valid = (
        load_corpus(real_data / f"tfns_sent_{part}.csv", tfns) for part in ("train", "valid")
    )
    learned, held_out = split_and_filter(train, valid, seed=42)
    return evaluate_trained(train_tfidf(learned.corpus, held_out), held_out, learned)


@pytest.mark.slow
def test_the_linear_model_is_as_good_as_promised(trained: EvaluatedModel) -> None:
    metrics = trained.report.evaluation.metrics

    assert metrics.texts == 2388
    assert metrics.accuracy >= 0.83
    assert metrics.macro_f1 >= 0.77


@pytest.mark.slow
def test_what_was_seen_nearly_word_for_word_does_not_carry_it(trained: EvaluatedModel) -> None:
    leakage = trained.report.evaluation.leakage

    assert leakage is not None
    assert 0 < leakage.texts < 0.1 * 2388
    assert leakage.without is not None
    assert leakage.without.accuracy >= 0.82


@pytest.mark.slow
def test_its_confidence_means_about_what_it_says(trained: EvaluatedModel) -> None:
    assert trained.report.evaluation.calibration.error < 0.04


@pytest.mark.slow
def test_calibration_helps_where_words_are_hidden_and_does_no_harm_where_they_are_not(
    trained: EvaluatedModel, real_data: Path
) -> None:
    valid = judgeable(load_corpus(real_data / "tfns_sent_valid.csv", parse_label_map("tfns")))
    hidden = hide_words_of_each(normalise_all(valid.texts), seed=9)

    whole = trained.report.evaluation.reliability
    found = evaluate(trained.model, replace(valid, texts=tuple(hidden))).reliability

    assert whole is not None
    assert found is not None
    assert whole.log_loss < whole.uncalibrated_log_loss + 0.002
    assert whole.error < whole.uncalibrated_error + 0.005
    assert found.log_loss < found.uncalibrated_log_loss
    assert found.error < found.uncalibrated_error


@pytest.mark.slow
def test_every_real_text_is_read_to_its_end(trained: EvaluatedModel) -> None:
    assert trained.report.evaluation.truncated == 0


def test_the_transformer_of_the_model_card_is_as_good_as_promised() -> None:
    """Training it takes about an hour: what is held to the promise is its report."""
    report = json.loads((PROJECT / "results" / "transformer.json").read_text())
    metrics, compared = report["evaluation"]["metrics"], report["details"]["int8_beside_fp32"]

    assert (report["model"], metrics["texts"], compared["texts"]) == ("transformer", 2388, 2388)
    assert metrics["accuracy"] >= 0.88
    assert metrics["macro_f1"] >= 0.84
    assert compared["disagreement"] <= 0.02


def test_the_transformer_is_right_more_often_than_the_linear_model() -> None:
    linear, transformer = (
        json.loads((PROJECT / "results" / f"{name}.json").read_text())
        for name in ("tfidf", "transformer")
    )

    assert linear["data"]["sha256"] == transformer["data"]["sha256"]
    accuracies = [one["evaluation"]["metrics"]["accuracy"] for one in (linear, transformer)]
    assert accuracies[0] < accuracies[1]
