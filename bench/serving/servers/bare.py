"""Calls the model in process, without a server: what a request costs at least.

Run in the service's environment: ``bare.py SECONDS``. Prints one JSON object: CPU seconds per call
and calls per second, of each workload's model code, plain pipeline and session.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from measured import workloads

WARM_UP = 20


def main() -> None:
    """Measure each way, and print the results."""
    seconds = float(sys.argv[1])
    found: dict[str, dict[str, Any]] = {}
    for workload in workloads():
        example = workload.example()
        code = workload.model_code()
        found[workload.name] = {"model_code": _measure(lambda: code([example]), seconds)}  # noqa: B023 - called at once
        if workload.pipeline is not None:
            score = workload.pipeline()
            found[workload.name]["pipeline"] = _measure(lambda: score([workload.body]), seconds)  # noqa: B023 - called at once
        if workload.session is not None:
            run = workload.session()
            found[workload.name]["session"] = _measure(lambda: run(example), seconds)  # noqa: B023 - called at once
    sys.stdout.write(json.dumps(found))


def _measure(call: Callable[[], object], seconds: float) -> dict[str, float]:
    for _ in range(WARM_UP):
        call()
    calls = 0
    cpu, began = time.process_time(), time.perf_counter()
    until = began + seconds
    while time.perf_counter() < until:
        call()
        calls += 1
    wall = time.perf_counter() - began
    return {"cpu_ms": (time.process_time() - cpu) * 1e3 / calls, "requests_per_s": calls / wall}


if __name__ == "__main__":
    main()
