"""What the linear model must achieve on the real texts. Skipped where they are absent."""

from pathlib import Path

import pytest
from nlpinsight.data import load_corpus
from nlpinsight.making import make_tfidf
from nlpinsight.train import Training, finish, make_ready

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(real_data: Path) -> Training:
    train, valid = (load_corpus(real_data / f"tfns_sent_{part}.csv") for part in ("train", "valid"))
    learned, held_out = make_ready(train, valid, seed=42)
    return finish(make_tfidf(learned.corpus, held_out), held_out, learned)


def test_the_linear_model_is_as_good_as_promised(trained: Training) -> None:
    metrics = trained.report.evaluation.metrics

    assert metrics.texts == 2388
    assert metrics.accuracy >= 0.83
    assert metrics.macro_f1 >= 0.77


def test_what_was_seen_nearly_word_for_word_does_not_carry_it(trained: Training) -> None:
    leakage = trained.report.evaluation.leakage

    assert leakage is not None
    assert 0 < leakage.texts < 0.1 * 2388
    assert leakage.without is not None
    assert leakage.without.accuracy >= 0.82


def test_its_confidence_means_about_what_it_says(trained: Training) -> None:
    assert trained.report.evaluation.calibration.error < 0.06


def test_every_real_text_is_read_to_its_end(trained: Training) -> None:
    assert trained.report.evaluation.truncated == 0
