import json

import numpy as np
import pytest
from nlpinsight.model import CONFIG, Reading, SentimentModel, judge, load
from nlpinsight.schema import LABELS
from nlpinsight.text import EmptyTextError
from nlpinsight.tfidf import TfidfConfig, TfidfModel
from nlpinsight.train import Training


def config(**changes: object) -> dict[str, bytes]:
    return {CONFIG: json.dumps({"backend": "tfidf", "labels": LABELS} | changes).encode()}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no config.json, so no back end can be chosen"),
        (config(backend="oracle"), "backend"),
        (config(labels=["positive", "neutral", "negative"]), "in this order"),
    ],
)
def test_a_model_of_something_else_is_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(files)


def test_the_sealed_file_chooses_the_back_end(training: Training) -> None:
    loaded = load(training.made.files)

    assert isinstance(loaded, TfidfModel)
    assert isinstance(loaded, SentimentModel)
    assert loaded.backend == "tfidf"


def test_an_answer_names_the_best_label_and_all_scores(model: SentimentModel) -> None:
    texts = ["Acme beats estimates and raises its outlook", "Acme cuts dividend by 5%"]

    answers = judge(model, texts)

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


def test_what_is_beyond_the_bound_is_not_read_and_is_told(model: SentimentModel) -> None:
    limit = TfidfConfig().characters
    kept, ignored = "profit " * (limit // 7 + 1), "loss " * 500

    [cut] = judge(model, [kept + ignored])
    [exact] = judge(model, ["x" * limit])

    assert (cut.truncated, cut.used, cut.unit) == (True, limit, "characters")
    assert cut.total == len((kept + ignored).strip())
    assert (exact.truncated, exact.used, exact.total) == (False, limit, limit)
    # And the rest is really not read.
    [other] = judge(model, [kept + "gain " * 500])
    assert other.all_scores == cut.all_scores


def test_a_text_that_is_read_to_its_end_is_not_truncated() -> None:
    assert not Reading("tokens", used=5, total=5).truncated
    assert Reading("tokens", used=5, total=6).truncated


def test_nothing_to_judge_is_an_error_and_no_guess(model: SentimentModel) -> None:
    with pytest.raises(EmptyTextError):
        judge(model, ["profit", "\u200b"])


def test_words_nobody_has_seen_leave_what_labels_have_before_any_word(
    model: SentimentModel,
) -> None:
    assert isinstance(model, TfidfModel)
    powers = np.exp(model.linear.intercept)

    scores = model.scores(["\u4e2d\u6587"])[0]

    np.testing.assert_allclose(scores, powers / powers.sum())
