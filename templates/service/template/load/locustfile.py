"""The questions of `make load-test`: single transactions, batches and mistakes."""

import json
import random
from typing import Any, Final

from load_user import LoadUser
from questions import Answer, Facts, Kind, Question, invalid, model_info, require, require_range

Record = dict[str, Any]

BATCH: Final = 50
DRAW: Final = random.Random(42)  # noqa: S311 - no secret


def _record() -> Record:
    return {
        "amount": round(DRAW.uniform(1, 500), 2),
        "hour": DRAW.randrange(24),
        "items": DRAW.randint(1, 5),
        "account_days": DRAW.choice([None, DRAW.randrange(2000)]),
        "channel": DRAW.choice(["web", "app", "phone"]),
    }


RECORDS: Final = [_record() for _ in range(100)]


def _prediction(record: Record, found: dict[str, Any]) -> Facts:
    """Check a prediction; it is the same alone and in a batch."""
    require_range(found["probability"], 0, 1, "probability")
    expected = int(found["probability"] >= found["threshold"])
    require(found["prediction"] == expected, "prediction is not by the threshold")
    same = ("probability", "threshold", "warnings", "model_version")
    return {json.dumps(record): {name: found[name] for name in same}}


def _single(record: Record) -> Question:
    return Question("/predict", lambda answer: _prediction(record, answer.body), record)


def _batch(records: list[Record]) -> Question:
    def check(answer: Answer) -> Facts:
        require(answer.body["total_records"] == len(records), "another number of records")
        facts: Facts = {}
        for record, prediction in zip(records, answer.body["predictions"], strict=True):
            facts |= _prediction(record, prediction)
        return facts

    return Question("/predict_batch", check, {"records": records})


class ServiceUser(LoadUser):
    """Most ask for one prediction; some for a batch, and some by mistake."""

    mix = [  # noqa: RUF012 - declared as a class variable
        Kind("predict", 75, [_single(one) for one in RECORDS]),
        Kind("batch", 10, [_batch(DRAW.sample(RECORDS, BATCH)) for _ in range(10)]),
        Kind("model info", 5, [model_info()]),
        Kind(
            "invalid",
            10,
            [
                invalid("/predict", {}),
                invalid("/predict", RECORDS[0] | {"amount": -1, "channel": "letter"}),
                invalid("/predict", RECORDS[0] | {"unknown": 1}),
                invalid("/predict?unknown=1", RECORDS[0]),
                invalid("/predict_batch", {"records": []}),
            ],
        ),
    ]
