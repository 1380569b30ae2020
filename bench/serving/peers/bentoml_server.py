"""BentoML: one worker process with the model and the HTTP interface."""

from typing import Any

import bentoml
from measured import BATCH_ROWS, BATCHING, answer_of_peer

_bounds = {"max_batch_size": BATCH_ROWS, "max_latency_ms": 60_000} if BATCHING else {}


@bentoml.service(workers=1, traffic={"timeout": 60})
class Measured:
    """Answers lists of bodies; a client's list has one."""

    def __init__(self) -> None:
        self._answer = answer_of_peer()

    @bentoml.api(batchable=BATCHING, **_bounds)
    def predict(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer each body."""
        return self._answer(requests)
