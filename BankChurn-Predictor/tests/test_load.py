"""The service as a process, under more load than it wants, told to stop in the middle of it."""

from pathlib import Path

import pytest
from servicekit.testing import LiveService
from servicekit.testing.load import Question, put_under_load

HEALTH_WITHIN_S = 1.0

pytestmark = pytest.mark.slow


@pytest.fixture
def service(sealed: Path) -> LiveService:
    return LiveService(
        ["-m", "bankchurn", "serve"],
        {"MODEL_DIR": str(sealed)},
        {"max_concurrent_requests": 16, "max_queued_requests": 40, "drain_s": 1},
    )


def test_200_clients_get_answers_or_deliberate_refusals_and_none_is_lost_at_the_end(
    service: LiveService, customer: dict[str, object]
) -> None:
    def question(number: int) -> Question:
        # Most ask for one prediction; some for an explanation or a batch, which take longer.
        match number % 20:
            case 0:
                return Question("explain", "/predict?explain=true", customer)
            case 1:
                return Question("batch", "/predict_batch", {"customers": [customer] * 50})
            case _:
                return Question("predict", "/predict", customer)

    with service:
        service.wait_until_ready()
        report = put_under_load(service, question, seconds=10)

    assert report.failures == []
    assert {status for _, status in report.answers} == {200, 503}
    assert report.without_retry_after == 0
    assert {kind for kind, status in report.answers if status == 200} == {
        "predict",
        "explain",
        "batch",
    }
    assert set(report.health) == {200}
    assert report.slowest_health_s <= HEALTH_WITHIN_S
    assert report.exit_code == 0
    served = sum(line["route"].startswith("/predict") for line in service.logged("request"))
    assert served == sum(report.answers.values()), "every accepted request was answered"
