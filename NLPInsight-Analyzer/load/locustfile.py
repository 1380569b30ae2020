"""The questions of `make load-test`: single texts, batches, explanations and mistakes."""

from itertools import product
from typing import Any, Final

from load_user import LoadUser
from questions import (
    Answer,
    Facts,
    Kind,
    Question,
    invalid,
    model_info,
    require,
    require_range,
    require_sum,
)

COMPANIES: Final = ("Acme", "Kestrel Motors", "Garnet Foods", "Lindholm Oyj", "Ünal Çelik")
CLAUSES: Final = (
    "beats estimates and raises its outlook for the year",
    "misses estimates and cuts its outlook",
    "to report second-quarter results on Thursday",
    "shares plunge after the company warns of heavy losses",
    "lifts its dividend by 12%",
    "will lay off 400 employees",
    "operating profit rose to EUR 13.1 mn from EUR 8.7 mn a year earlier",
    "$ACME to the moon 🚀🚀 https://example.com/a",
)
TEXTS: Final = [f"{company} {clause}" for company, clause in product(COMPANIES, CLAUSES)]
# Work on long texts is handed to a thread.
LONG: Final = [". ".join(TEXTS[start:] + TEXTS[:start])[:4000] for start in range(5)]
# A text whose words are all unknown is answered with a warning.
UNKNOWN: Final = "利益が大幅に増加した"
BATCH: Final = 50


def _prediction(text: str, found: dict[str, Any]) -> Facts:
    """Check a prediction; it is the same alone, in a batch and with an explanation."""
    scores = found["all_scores"]
    for score in scores.values():
        require_range(score, 0, 1, "a score")
    require_sum(list(scores.values()), 1, "the scores")
    require(found["confidence"] == scores[found["label"]], "confidence is not the label's score")
    require(found["confidence"] == max(scores.values()), "the label is not that of the best score")
    require(0 <= found["used"] <= found["total"], "more is used than there is")
    return {text: found}


def _single(text: str) -> Question:
    def check(answer: Answer) -> Facts:
        require(answer.body["explanation"] is None, "an explanation that was not asked for")
        require_range(answer.body["inference_time_ms"], 0, float("inf"), "inference_time_ms")
        facts = _prediction(text, answer.body["prediction"])
        return facts | {f"model {text}": [answer.body["model"], answer.body["model_version"]]}

    return Question("/predict", check, {"text": text})


def _explained(text: str) -> Question:
    def check(answer: Answer) -> Facts:
        found, prediction = answer.body["explanation"], answer.body["prediction"]
        require(found["label"] == prediction["label"], "another label is explained")
        if found["exact"]:
            parts = [word["contribution"] for word in found["words"]]
            require_sum([found["base"], *parts], found["value"], "the contributions")
        for word in found["words"]:
            shown = found["text"][word["start"] :]
            require(shown.startswith(word["word"]), "a word is not at its place")
        return _prediction(text, prediction) | {f"explain {text}": found}

    return Question("/predict?explain=true", check, {"text": text})


def _batch(texts: list[str]) -> Question:
    def check(answer: Answer) -> Facts:
        require(answer.body["count"] == len(texts), "another number of texts")
        facts: Facts = {}
        for text, prediction in zip(texts, answer.body["predictions"], strict=True):
            facts |= _prediction(text, prediction)
        return facts

    return Question("/predict_batch", check, {"texts": [{"text": text} for text in texts]})


def _rotated(start: int) -> list[str]:
    """A batch of its own order; some texts are in it twice."""
    return [TEXTS[(start + 3 * place) % len(TEXTS)] for place in range(BATCH)]


class NLPInsightUser(LoadUser):
    """Most ask about a headline; some for an explanation or a batch, and some by mistake."""

    mix = [  # noqa: RUF012 - declared as a class variable
        Kind("predict", 65, [_single(text) for text in [*TEXTS, UNKNOWN]]),
        Kind("predict, long", 5, [_single(text) for text in LONG]),
        Kind("explain", 8, [_explained(text) for text in [*TEXTS[:20], UNKNOWN]]),
        Kind("batch", 8, [_batch(_rotated(start)) for start in range(10)]),
        Kind("model info", 4, [model_info()]),
        Kind(
            "invalid",
            10,
            [
                invalid("/predict", {}),
                invalid("/predict", {"text": ""}),
                invalid("/predict", {"text": "https://t.co/abc"}),
                invalid("/predict", {"text": 42}),
                invalid("/predict", {"text": "x" * 20_001}),
                invalid("/predict", {"text": TEXTS[0], "unknown": 1}),
                invalid("/predict_batch", {"texts": []}),
                invalid("/predict_batch", {"texts": [{"text": TEXTS[0]}, {"text": " "}]}),
            ],
        ),
    ]
