"""The workload of a server process, from its environment variables."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from workload import Workload, load

PORT: Final = int(os.environ.get("BENCH_PORT", "0"))
BATCHING: Final = os.environ.get("BENCH_BATCHING") == "on"

# Where requests are gathered: the most in a batch, and the longest wait for it.
BATCH_ROWS: Final = 64
BATCH_WAIT_S: Final = 0.005

Answer = Callable[[Sequence[Any]], list[dict[str, Any]]]


def workloads() -> list[Workload]:
    """The workloads of the service."""
    return load(Path(os.environ["BENCH_SERVICE"]), Path(os.environ["BENCH_WORK"]))


def answer_of_peer() -> Answer:
    """How a peer answers: by the plain pipeline, or by the service's model code.

    Returns:
        A function from bodies of requests to answers as JSON objects.
    """
    [workload] = [one for one in workloads() if one.name == os.environ["BENCH_WORKLOAD"]]
    if os.environ["BENCH_CODE"] == "pipeline":
        if workload.pipeline is None:
            raise ValueError(f"{workload.name} has no plain pipeline")
        score = workload.pipeline()
        return lambda bodies: [{"value": value} for value in score(bodies)]
    model_code, request = workload.model_code(), workload.request

    def answer(bodies: Sequence[Any]) -> list[dict[str, Any]]:
        found = model_code([request.model_validate(body) for body in bodies])
        return [one.model_dump(mode="json") for one in found]

    return answer
