"""The service under more load than it takes, stopped in the middle of it."""

from pathlib import Path

import pytest
from servicekit.testing import LiveService
from servicekit.testing.load import Question, check_under_load

pytestmark = pytest.mark.slow


@pytest.fixture
def service(sealed: Path) -> LiveService:
    return LiveService(
        ["-m", "bankchurn", "serve"],
        {"MODEL_DIR": str(sealed)},
        {"max_concurrent_requests": 16, "max_queued_requests": 40, "drain_s": 5},
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
        check_under_load(
            service,
            question,
            kinds={"predict", "explain", "batch"},
            routes="/predict",
            health_within_s=1,
        )
