"""What a transformer knows of a text: the tokens of its fine-tuning, sealed with it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs: make train-env-NLPInsight-Analyzer")

from nlpinsight.backends.calibration import CALIBRATION, Calibrator, softmax
from nlpinsight.backends.seen_tokens import SEEN_TOKENS, SeenTokens
from nlpinsight.backends.transformer import TOKENIZER, TransformerModel
from nlpinsight.data.corpus import Corpus
from nlpinsight.model import load, predict_sentiments
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from tokenizers import Tokenizer

FOREIGN = (
    "\u5229\u76ca\u304c\u5927\u5e45\u306b\u5897\u52a0\u3057\u305f",
    "\u041f\u0440\u0438\u0431\u044b\u043b\u044c \u0440\u043e\u0441\u043b\u0430 \u043d\u0430 5%",
    "\U0001f680",
)
BASE = (0.2, 0.5, 0.3)


@pytest.fixture
def known(tiny_training: EvaluatedModel, learning: Corpus) -> TransformerModel:
    """A tiny network with the tokens of its training and a calibrator."""
    files = tiny_training.trained.files
    tokenizer = Tokenizer.from_buffer(files[TOKENIZER])
    seen = SeenTokens.of(tokenizer, normalise_all(learning.texts))
    calibrator = Calibrator(temperature=2.0, reach=3.0, base_rates=BASE, texts=1)
    model = load(calibrator.add_to(seen.add_to(files)))
    assert isinstance(model, TransformerModel)
    return model


@pytest.mark.parametrize("text", FOREIGN, ids=["Japanese", "Russian", "emoji"])
def test_a_text_with_no_known_token_gets_the_base_rates_and_a_warning(
    text: str, known: TransformerModel
) -> None:
    [answer] = predict_sentiments(known, [text])

    assert tuple(answer.all_scores.values()) == BASE
    assert answer.in_vocabulary == 0
    assert [warning.code for warning in answer.warnings] == ["no_known_term"]


def test_a_text_of_the_training_is_known_to_its_last_word(
    known: TransformerModel, learning: Corpus
) -> None:
    text = learning.texts[0]
    [answer] = predict_sentiments(known, [text])
    decisions, _ = known.decide([text])

    assert answer.in_vocabulary == 1
    assert answer.warnings == []
    np.testing.assert_allclose(list(answer.all_scores.values()), softmax(decisions / 2)[0])


def test_a_model_that_was_sealed_without_its_tokens_answers_as_it_did(
    tiny_training: EvaluatedModel,
) -> None:
    files = {
        name: contents
        for name, contents in tiny_training.trained.files.items()
        if name not in (CALIBRATION, SEEN_TOKENS)
    }
    model = load(files)
    [answer] = predict_sentiments(model, ["Acme beats estimates"])
    decisions, [reading] = model.decide(["Acme beats estimates"])

    assert (answer.in_vocabulary, reading.in_vocabulary, answer.warnings) == (None, None, [])
    np.testing.assert_array_equal(list(answer.all_scores.values()), softmax(decisions)[0])
    assert set(model.replay(["up"])) == {"single_scores", "batch_scores", "label", "used"}
