"""The service under more load than it takes, stopped in the middle of it."""

from pathlib import Path

import pytest
from servicekit.testing import LiveService
from servicekit.testing.load import Question, check_under_load

pytestmark = pytest.mark.slow


def test_200_clients_get_answers_or_deliberate_refusals_and_none_is_lost_at_the_end(
    sealed: Path, record: dict[str, object]
) -> None:
    def question(number: int) -> Question:
        if number % 10:
            return Question("predict", "/predict", record)
        return Question("batch", "/predict_batch", {"records": [record] * 50})

    settings = {"max_concurrent_requests": 16, "max_queued_requests": 40, "drain_s": 5}
    with LiveService(
        ["-m", "{{ package }}", "serve"], {"MODEL_DIR": str(sealed)}, settings
    ) as service:
        service.wait_until_ready()
        check_under_load(
            service,
            question,
            kinds={"predict", "batch"},
            routes="/predict",
            health_within_s=1,
        )
