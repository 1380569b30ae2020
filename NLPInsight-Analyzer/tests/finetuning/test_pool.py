"""What a transformer is pooled with is chosen on answers that no model had learned."""

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

from nlpinsight.backends.calibration import base_rates_of, fit, softmax
from nlpinsight.backends.pooling import Pool, pooled
from nlpinsight.backends.transformer import load
from nlpinsight.data.corpus import Corpus
from nlpinsight.evaluation.reliability import log_loss
from nlpinsight.text.hidden_words import hide_words_of_each
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from nlpinsight.training.finetuning.finetune import Finetuned
from nlpinsight.training.finetuning.members import deal_folds
from nlpinsight.training.finetuning.pool_fit import FittedPool, best_weight, fit_pool
from nlpinsight.training.linear_pipeline import fit_pipeline
from nlpinsight.training.trained_model import TrainedModel

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def made(tiny_training: EvaluatedModel) -> TrainedModel:
    return tiny_training.trained


@pytest.fixture(scope="module")
def fitted(tuned: Finetuned, learning: Corpus) -> FittedPool:
    return fit_pool(learning.texts, learning.targets, tuned)


@pytest.fixture(scope="module")
def linear_decisions(learning: Corpus) -> Floats:
    """Of pipelines of the same folds on the same texts, by scikit-learn."""
    read, parts = normalise_all(learning.texts), []
    for number, fold in enumerate(deal_folds(learning.targets, 2, seed=42), start=1):
        inside = [row for row in range(len(read)) if row not in fold]
        pipeline = fit_pipeline([read[row] for row in inside], learning.targets[inside])
        outside = [read[row] for row in fold]
        hidden = hide_words_of_each(outside, seed=42 + number)
        parts += [pipeline.decision_function(texts) for texts in (outside, hidden)]
    return np.concatenate(parts)


def test_both_models_answered_texts_that_they_did_not_learn_from(
    fitted: FittedPool, tuned: Finetuned, linear_decisions: Floats
) -> None:
    expected = pooled(tuned.held_out.decisions, linear_decisions, fitted.pool.weight)

    np.testing.assert_allclose(fitted.held_out.decisions, expected, atol=1e-9)
    np.testing.assert_array_equal(fitted.held_out.known, tuned.held_out.known)


def test_no_other_weight_has_less_log_loss_at_any_temperature(
    fitted: FittedPool, tuned: Finetuned, linear_decisions: Floats
) -> None:
    plain = ~tuned.held_out.hidden
    targets = tuned.held_out.targets[plain]

    def loss(weight: float) -> float:
        decisions = pooled(tuned.held_out.decisions, linear_decisions, weight)[plain]
        heats = np.exp(np.linspace(-2, 2, 401))
        return min(log_loss(targets, softmax(decisions / heat)) for heat in heats.tolist())

    chosen = loss(fitted.pool.weight)

    assert chosen <= min(map(loss, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))) + 1e-6
    assert chosen <= loss(fitted.pool.weight + 0.02) + 1e-6
    assert chosen <= loss(fitted.pool.weight - 0.02) + 1e-6


def test_the_calibrator_is_fitted_on_the_pooled_answers(
    fitted: FittedPool, learning: Corpus
) -> None:
    assert fitted.calibrator == fit(fitted.held_out, base_rates_of(learning.targets))


def test_a_model_that_says_nothing_gets_no_weight() -> None:
    random = np.random.default_rng(1)
    targets = random.integers(0, 3, 2000)
    informed = 2 * np.eye(3)[targets] + random.normal(size=(2000, 3))
    noise = random.normal(size=(2000, 3))

    assert best_weight(informed, noise, targets) < 0.1
    assert best_weight(noise, informed, targets) > 0.9


def test_a_sealed_transformer_answers_with_its_pool(made: TrainedModel, unseen: Corpus) -> None:
    pool = Pool.read_from(made.files)
    assert pool is not None
    assert made.details["linear_weight"] == pool.weight
    without = {name: made.files[name] for name in made.files if name != "pooling.json"}

    served = load(made.files)
    together, _ = served.decide(unseen.texts)
    network, _ = load(without).decide(unseen.texts)

    linear, _ = pool.linear.decide(served.read(unseen.texts)[0])
    np.testing.assert_allclose(together, pooled(network, linear, pool.weight), atol=1e-9)


def test_the_linear_model_reads_as_far_as_the_network(made: TrainedModel) -> None:
    served = load(made.files)
    start = "shares rally after a strong quarter " * 20

    np.testing.assert_array_equal(
        served.scores([start + "but then everything collapsed"]), served.scores([start])
    )


def test_a_text_that_the_tokenizer_drops_is_answered(made: TrainedModel) -> None:
    scores = load(made.files).scores(["\ufffd"])

    np.testing.assert_allclose(scores.sum(), 1)
