"""The service under more load than it takes, stopped in the middle of it."""

from pathlib import Path
from typing import Any

import pytest
from servicekit.testing import LiveService
from servicekit.testing.load import Question, check_under_load

pytestmark = pytest.mark.slow


@pytest.fixture
def service(sealed: Path) -> LiveService:
    return LiveService(
        ["-m", "nlpinsight", "serve"],
        {"MODEL_DIR": str(sealed)},
        # Grace for a busy machine: what is not finished within it is cut off on purpose.
        {
            "max_concurrent_requests": 16,
            "max_queued_requests": 40,
            "drain_s": 5,
            "shutdown_grace_s": 90,
        },
    )


def question(number: int) -> Question:
    """A text of the client's own, known to be positive or negative.

    An answer that went to the wrong client would be seen. Most ask about a short text; some about
    a long one or a batch, which go to a thread.
    """
    good = number % 2 == 0
    expected = "positive" if good else "negative"
    clause = "beats estimates and raises its outlook" if good else "misses estimates and cuts"
    short = f"Acme {clause} outlook {number}"
    body: dict[str, object]
    match number % 20:
        case 0:
            kind, path, body = "long", "/predict", {"text": f"Acme {clause} " * 40}
        case 1:
            kind, path, body = "batch", "/predict_batch", {"texts": [{"text": short}] * 50}
        case _:
            kind, path, body = "short", "/predict", {"text": short}

    def is_right(answer: dict[str, Any]) -> bool:
        found = answer["predictions"] if kind == "batch" else [answer["prediction"]]
        return all(one["label"] == expected for one in found)

    return Question(kind, path, body, is_right)


def test_200_clients_get_their_own_answers_or_deliberate_refusals_and_none_is_lost(
    service: LiveService,
) -> None:
    with service:
        service.wait_until_ready()
        check_under_load(service, question, kinds={"short", "long", "batch"}, routes="/predict")
