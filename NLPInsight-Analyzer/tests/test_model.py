import json

import numpy as np
import pytest
from nlpinsight.backends.calibration import CALIBRATION, softmax
from nlpinsight.backends.tfidf import TfidfConfig, TfidfModel
from nlpinsight.model import CONFIG, Reading, SentimentModel, load, predict_sentiments
from nlpinsight.schema import LABELS
from nlpinsight.text.normalisation import EmptyTextError
from nlpinsight.training.evaluate_and_seal import EvaluatedModel


def config(**changes: object) -> dict[str, bytes]:
    return {CONFIG: json.dumps({"backend": "tfidf", "labels": LABELS} | changes).encode()}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no config.json, which names the back end"),
        (config(backend="oracle"), "backend"),
        (config(labels=["positive", "neutral", "negative"]), "in this order"),
    ],
)
def test_a_model_of_something_else_is_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(files)


def test_the_sealed_file_chooses_the_back_end(training: EvaluatedModel) -> None:
    loaded = load(training.trained.files)

    assert isinstance(loaded, TfidfModel)
    assert isinstance(loaded, SentimentModel)
    assert loaded.backend == "tfidf"


def test_an_answer_names_the_best_label_and_all_scores(model: SentimentModel) -> None:
    texts = ["Acme beats estimates and raises its outlook", "Acme cuts dividend by 5%"]

    answers = predict_sentiments(model, texts)

    assert [answer.label for answer in answers] == ["positive", "negative"]
    for answer, scores in zip(answers, model.scores(texts), strict=True):
        assert list(answer.all_scores) == list(LABELS)
        assert list(answer.all_scores.values()) == scores.tolist()
        assert sum(answer.all_scores.values()) == pytest.approx(1)
        assert answer.confidence == max(scores)
        assert not answer.truncated


def test_a_text_gets_the_same_scores_alone_and_in_a_batch_in_any_order(
    model: SentimentModel,
) -> None:
    texts = ["profit rises", "Profit falls", "it meets", "\U0001f680", "a " * 900, "x"]
    shuffled = np.random.default_rng(0).permutation(len(texts))

    batch = model.scores(texts)

    assert np.array_equal(model.scores([texts[one] for one in shuffled]), batch[shuffled])
    for row, text in enumerate(texts):
        assert np.array_equal(model.scores([text])[0], batch[row])


def test_scores_are_the_same_as_an_array_and_as_lists(model: SentimentModel) -> None:
    texts = ["profit rises", "it meets", "x"]

    scores, readings = model.score_lists(texts)

    assert np.array_equal(model.answer(texts)[0], np.array(scores))
    assert model.answer(texts)[1] == readings
    assert model.scores([]).shape == (0, len(LABELS))


def test_text_beyond_the_bound_is_ignored_and_reported(model: SentimentModel) -> None:
    limit = TfidfConfig().characters
    kept, ignored = "profit " * (limit // 7 + 1), "loss " * 500

    [cut] = predict_sentiments(model, [kept + ignored])
    [exact] = predict_sentiments(model, ["x" * limit])

    assert (cut.truncated, cut.used, cut.unit) == (True, limit, "characters")
    assert cut.total == len((kept + ignored).strip())
    assert (exact.truncated, exact.used, exact.total) == (False, limit, limit)
    # And the rest is really not read.
    [other] = predict_sentiments(model, [kept + "gain " * 500])
    assert other.all_scores == cut.all_scores


def test_a_text_that_is_read_to_its_end_is_not_truncated() -> None:
    assert not Reading("tokens", used=5, total=5).truncated
    assert Reading("tokens", used=5, total=6).truncated


def test_nothing_to_judge_is_an_error_and_no_guess(model: SentimentModel) -> None:
    with pytest.raises(EmptyTextError):
        predict_sentiments(model, ["profit", "\u200b"])


@pytest.mark.parametrize(
    "text",
    [
        "\u5229\u76ca\u304c\u5927\u5e45\u306b\u5897\u52a0\u3057\u305f",
        "\u041f\u0440\u0438\u0431\u044b\u043b\u044c \u0440\u043e\u0441\u043b\u0430 \u043d\u0430 5%",
        "\U0001f680",
        "zxqvk wprtl",
        "5% ?",
    ],
    ids=["Japanese", "Russian", "emoji", "no words of any language", "no words"],
)
def test_a_text_with_no_known_word_gets_the_base_rates_of_the_training_and_a_warning(
    text: str, training: EvaluatedModel, model: SentimentModel
) -> None:
    assert training.report.training is not None
    shares = [training.report.training[label] for label in LABELS]
    base = np.array(shares, dtype=np.float64) / training.report.training["texts"]  # type: ignore[operator]

    [answer] = predict_sentiments(model, [text])

    assert list(answer.all_scores.values()) == pytest.approx(base.tolist())
    assert answer.label == LABELS[int(base.argmax())]
    assert answer.in_vocabulary == 0
    assert [(one.code, one.field) for one in answer.warnings] == [("no_known_term", "text")]


def test_a_text_of_mostly_unknown_words_is_marked(model: SentimentModel) -> None:
    [few, half] = predict_sentiments(model, ["zxqvk wprtl mnbqz profit", "zxqvk profit"])

    assert few.in_vocabulary == 0.25
    assert [one.code for one in few.warnings] == ["mostly_unknown"]
    assert "Only 25% of the words" in few.warnings[0].message
    assert (half.in_vocabulary, half.warnings) == (0.5, [])


def test_a_model_that_was_sealed_before_calibration_opens_and_answers_as_it_did(
    training: EvaluatedModel,
) -> None:
    before = {
        name: contents for name, contents in training.trained.files.items() if name != CALIBRATION
    }
    model = load(before)
    decisions, _ = model.decide(["profit rises", "\u4e2d\u6587"])

    assert model.calibrator is None
    np.testing.assert_array_equal(
        model.scores(["profit rises", "\u4e2d\u6587"]), softmax(decisions)
    )
    assert set(model.replay(["profit"])) == {"single_scores", "batch_scores", "label", "used"}
