from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from nlpinsight.backends.calibration import Calibrator, softmax
from nlpinsight.backends.tfidf import TfidfModel
from nlpinsight.explain import MAX_WORDS, explain
from nlpinsight.model import Reading, SentimentModel
from nlpinsight.schema import LABELS, Backend, Label
from nlpinsight.text.normalisation import EmptyTextError, normalise_all

TEXT = "Acme profit rises 5%, but the company net loss widens https://t.co/x"


@pytest.mark.parametrize("label", LABELS)
def test_an_exact_explanation_adds_up_to_the_decision_function(
    model: SentimentModel, label: Label
) -> None:
    assert isinstance(model, TfidfModel)

    explanation = explain(model, TEXT, label=label)

    decision = model.linear.decide([explanation.text])[0][0][LABELS.index(label)]
    assert explanation.exact
    assert explanation.base is not None
    total = explanation.base + sum(word.contribution for word in explanation.words)
    assert total == pytest.approx(decision, abs=1e-12)
    assert explanation.value == pytest.approx(decision, abs=1e-12)


def test_differences_of_explained_values_are_log_odds(model: SentimentModel) -> None:
    decisions, _ = model.decide([TEXT])
    scores = softmax(decisions)[0]
    values = [explain(model, TEXT, label=label).value for label in LABELS]

    assert np.log(scores[0] / scores[2]) == pytest.approx(values[0] - values[2])


def test_words_stand_where_they_are_said_to(model: SentimentModel) -> None:
    explanation = explain(model, "  up \u200bup and  UP")

    assert [word.word for word in explanation.words] == ["up", "up", "and", "UP"]
    for word in explanation.words:
        assert explanation.text[word.start :].startswith(word.word)


def test_the_predicted_label_is_explained_unless_another_is_asked_for(
    model: SentimentModel,
) -> None:
    text = "Acme misses estimates and cuts its outlook"

    assert explain(model, text).label == "negative"
    assert explain(model, text, label="positive").label == "positive"


def test_the_word_that_decides_contributes_most(model: SentimentModel) -> None:
    explanation = explain(model, "Acme shares sink")

    assert max(explanation.words, key=lambda word: word.contribution).word == "sink"


def test_what_the_model_did_not_read_is_said_to_be_left_out(model: SentimentModel) -> None:
    assert not explain(model, TEXT).truncated
    assert explain(model, "up " * 4_000).truncated


def test_nothing_to_explain_is_an_error(model: SentimentModel) -> None:
    with pytest.raises(EmptyTextError):
        explain(model, " ")


class Counting(SentimentModel):
    """Sees only how often "up" and "down" are said: what occlusion finds is known beforehand."""

    tolerance = 0.0
    backend: Backend = "transformer"
    calibrator: Calibrator | None = None

    def __init__(self) -> None:
        self.asked = 0

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        self.asked += len(texts)
        rows = []
        for text in normalise_all(texts):
            up, down = text.split().count("up"), text.split().count("down")
            rows.append(
                [(1 + down) / (3 + up + down), 1 / (3 + up + down), (1 + up) / (3 + up + down)]
            )
        return np.array(rows, dtype=np.float64)

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        return normalise_all(texts), [Reading("tokens", 1, 1) for _ in texts]

    def decide(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float64], list[Reading]]:
        return np.log(self.scores(texts)), self.read(texts)[1]

    def answer(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float64], list[Reading]]:
        return self.scores(texts), [Reading("tokens", 1, 1) for _ in texts]


def test_occlusion_gives_each_word_what_leaving_it_out_loses() -> None:
    explanation = explain(Counting(), "it goes up , up")

    assert explanation.label == "positive"
    assert explanation.value == pytest.approx(3 / 5)
    assert [word.word for word in explanation.words] == ["it", "goes", "up", ",", "up"]
    contributions = [word.contribution for word in explanation.words]
    assert contributions == pytest.approx([0, 0, 3 / 5 - 2 / 4, 0, 3 / 5 - 2 / 4])
    assert not explanation.exact
    assert explanation.base is None


def test_occlusion_of_the_only_word_leaves_a_text() -> None:
    [word] = explain(Counting(), "up").words

    assert word.contribution == pytest.approx(2 / 4 - 1 / 3)


def test_occlusion_looks_at_a_long_text_a_bounded_number_of_times() -> None:
    counting = Counting()

    explanation = explain(counting, "up " * 10_000)

    assert len(explanation.words) == MAX_WORDS
    assert explanation.truncated
    assert counting.asked == MAX_WORDS + 1


def test_an_explanation_says_that_no_word_is_known(model: SentimentModel) -> None:
    unknown, known = explain(model, "zxqvk wprtl"), explain(model, "profit rises")

    assert [warning.code for warning in unknown.warnings] == ["no_known_term"]
    assert known.warnings == []
    # The contributions explain the decision function, from which such an answer is not made.
    assert unknown.exact
