"""The prediction log of the service, and the reference profile of its model."""

from pathlib import Path
from typing import Final

import pytest
from modelwatch.profile import CategoryProfile, NumberProfile, read_profile
from modelwatch.testing import LogConformance, ShadowConformance, Start, log_of
from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.prediction_log import SCHEMA
from nlpinsight.training.evaluate_and_seal import EvaluatedModel
from servicekit.testing import LiveService

PRIVATE = "Acme beats estimates, says Zbigniew Quartermain"
UNKNOWN = "利益が大幅に増加した"


REQUESTS: Final = {
    "/predict": {"text": PRIVATE},
    "/predict?explain=true": {"text": PRIVATE},
    "/predict_batch": {"texts": [{"text": PRIVATE}, {"text": UNKNOWN}] * 20},
}
VARYING: Final = frozenset({"inference_time_ms"})


@pytest.fixture(scope="module")
def start(sealed: Path) -> Start:
    environment = {"MODEL_DIR": str(sealed)}
    return lambda **settings: LiveService(["-m", "nlpinsight", "serve"], environment, settings)


class TestShadow(ShadowConformance):
    schema = SCHEMA
    requests = REQUESTS
    secrets = (PRIVATE, UNKNOWN, "Quartermain")
    varying = VARYING

    @pytest.fixture
    def challenger(self, sealed: Path) -> Path:
        return sealed


class TestLog(LogConformance):
    schema = SCHEMA
    requests = REQUESTS
    secrets = (PRIVATE, UNKNOWN, "Quartermain")
    varying = VARYING

    def test_a_row_describes_the_text_and_has_the_answer(
        self, start: Start, tmp_path: Path, model: SentimentModel
    ) -> None:
        texts = [PRIVATE, UNKNOWN, "up " * 5000]
        request = {"texts": [{"text": text} for text in texts]}
        rows = log_of(start, tmp_path, {"/predict_batch": request}).rows
        answers = predict_sentiments(model, texts)
        assert [row["feature.characters"] for row in rows] == [47, 10, 15_000]
        assert [row["feature.words"] for row in rows] == [6, 1, 5000]
        assert [row["feature.truncated"] for row in rows] == [0, 0, 1]
        assert [row["feature.in_vocabulary"] for row in rows] == [
            answer.in_vocabulary for answer in answers
        ]
        assert [row["output.label"] for row in rows] == [answer.label for answer in answers]
        assert [row["output.confidence"] for row in rows] == [
            pytest.approx(answer.confidence) for answer in answers
        ]
        assert [row["warnings"] for row in rows] == [
            [warning.code for warning in answer.warnings] for answer in answers
        ]
        assert rows[1]["warnings"] == ["no_known_term"]

    def test_texts_are_logged_where_the_operator_asks_for_them(
        self, start: Start, tmp_path: Path
    ) -> None:
        log = log_of(start, tmp_path, self.requests, prediction_log_text=True)
        assert set(log.values("feature.text")) == {PRIVATE, UNKNOWN}


def test_the_sealed_profile_describes_the_texts_that_were_held_out(
    sealed: Path, training: EvaluatedModel
) -> None:
    profile = read_profile(sealed)
    metrics = training.report.evaluation.metrics
    assert set(profile.features) == {"characters", "words", "in_vocabulary", "truncated"}
    labels = profile.outputs["label"]
    assert isinstance(labels, CategoryProfile)
    assert labels.rows == metrics.texts
    predicted = [sum(column) for column in zip(*metrics.confusion, strict=True)]
    assert labels.levels == dict(zip(metrics.labels, predicted, strict=True))
    words = profile.features["words"]
    assert isinstance(words, NumberProfile)
    assert words.low >= 1
    assert profile.task is not None
    assert (profile.task.kind, profile.task.output) == ("classes", "label")
    assert profile.task.performance == {
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
    }


def test_the_groups_of_the_profile_are_bands_of_words(sealed: Path) -> None:
    profile = read_profile(sealed)
    assert profile.group_edges == {"words": (6, 11, 16, 21, 31)}
    groups = profile.groups["words"]
    assert sum(group.rows for group in groups.values()) == profile.features["words"].rows
