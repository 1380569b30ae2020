"""Ray Serve: one replica with the model behind one HTTP proxy."""

import os
from typing import Any

import ray
from measured import BATCH_ROWS, BATCH_WAIT_S, BATCHING, PORT, answer_of_peer
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=BATCH_ROWS * 4)
class Measured:
    """Answers one body, or gathers several."""

    def __init__(self) -> None:
        self._answer = answer_of_peer()

    @serve.batch(max_batch_size=BATCH_ROWS, batch_wait_timeout_s=BATCH_WAIT_S)
    async def _gathered(self, bodies: list[Any]) -> list[Any]:
        return self._answer(bodies)

    async def __call__(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        """Answer a request."""
        body = await request.json()
        return await self._gathered(body) if BATCHING else self._answer([body])[0]


if __name__ == "__main__":
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=128 * 2**20,
        _temp_dir=os.environ["BENCH_SCRATCH"],
    )
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    serve.run(Measured.bind(), route_prefix="/predict", blocking=True)
