"""The service under more load than it takes, while a new batch arrives, and its end."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from batches import write_batch
from chicagotaxi.batch.predict import identity
from chicagotaxi.batch.reader import read_batch
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.rows import table
from chicagotaxi.history.panel import Panel
from modelseal import OpenedModel
from servicekit.testing import LiveService
from servicekit.testing.load import Question, check_under_load
from synthetic import LEVELS

SECONDS, SWAP_AFTER_S = 9, 4
AREAS = sorted(LEVELS)

pytestmark = pytest.mark.slow

Answer = list[dict[str, Any]]


@pytest.fixture
def service(sealed: Path, predicted: Path) -> LiveService:
    return LiveService(
        ["-m", "chicagotaxi", "serve"],
        {"MODEL_DIR": str(sealed), "PREDICTIONS_DIR": str(predicted / "predictions")},
        # Grace for a busy machine: what is not finished within it is cut off on purpose.
        {
            "predictions_poll_s": 0.1,
            # Answers are so quick that only few places make all these clients too many.
            "max_concurrent_requests": 4,
            "max_queued_requests": 8,
            "drain_s": 5,
            "shutdown_grace_s": 90,
        },
    )


class Clients:
    """Asks for hours of areas, or for all hours of one, and knows what each batch says of them.

    Args:
        batches: The batch that is served first, and the one that takes its place.
    """

    def __init__(self, *batches: pa.Table) -> None:
        self._batches = [[_shown(row) for row in batch.to_pylist()] for batch in batches]
        self.seen: Counter[int] = Counter()

    def question(self, number: int) -> Question:
        area, hour = AREAS[number % len(AREAS)], number // len(AREAS) % 24
        everything = number % 20 == 0
        answers = [
            [
                row
                for row in batch
                if row["pickup_community_area"] == area and (everything or row["hour"] == hour)
            ]
            for batch in self._batches
        ]
        assert answers[0] != answers[1]
        newest = 0

        def is_right(answer: Answer) -> bool:
            """Whether it is one batch's, whole, and no older than the answer before."""
            nonlocal newest
            if answer not in answers[newest:]:
                return False
            newest = answers.index(answer)
            self.seen[newest] += 1
            return True

        path = f"/demand?area={area}" + ("&limit=1000" if everything else f"&hour={hour}")
        return Question("area" if everything else "hour", path, is_right=is_right)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"start": row["start"].isoformat(timespec="minutes"), "warnings": []}


def test_200_clients_get_answers_of_one_batch_or_refusals_while_another_lands(
    service: LiveService,
    predicted: Path,
    forecaster: DemandForecaster,
    opened: OpenedModel,
    panel: Panel,
) -> None:
    folder, model = predicted / "predictions", forecaster.model
    old, before = read_batch(folder, (folder / "current").read_text().strip())
    history = panel.until(len(panel.trips) - 24)
    after = table(model, model.predict(history), history)
    clients = Clients(before, after)

    def swap() -> None:
        write_batch(folder, [after], model=identity(opened), interval=0.9)

    with service:
        service.wait_until_ready()
        timer = threading.Timer(SWAP_AFTER_S, swap)
        timer.start()
        check_under_load(
            service, clients.question, kinds={"hour", "area"}, routes="/demand", seconds=SECONDS
        )
        timer.join()

    assert set(clients.seen) == {0, 1}, "both batches were served"
    assert service.logged("batch served")[0]["batch"] == old.batch
