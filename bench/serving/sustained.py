"""Loads a service with many connections for a minute, and counts what is not answered with 200."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import loading
from contestants import Contestant, Target
from results import failed_row

CONNECTIONS: Final = 200
SECONDS: Final = 60
_WARM_UP_S: Final = 5


@dataclass(frozen=True)
class Sustained:
    """What was measured of one workload.

    Attributes:
        service: Folder name of the service.
        workload: Name of the workload.
        connections: Number of connections.
        seconds: Duration.
        requests: Number of answers.
        errors: Number of answers with 400 and above, and of requests without an answer.
        requests_per_s: Rate of answers.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
        memory_before_mb: Memory of all processes after a warm-up with as many connections.
        memory_after_mb: Memory of all processes at the end.
    """

    service: str
    workload: str
    connections: int
    seconds: float
    requests: int
    errors: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    memory_before_mb: float
    memory_after_mb: float


def sustain(
    contestant: Contestant, setting: loading.Setting, *, seconds: int = SECONDS
) -> list[dict[str, Any]]:
    """Load a service with each workload that is measured at as many connections; a row for each.

    Args:
        contestant: The service.
        setting: How it is measured.
        seconds: Duration for each workload.
    """
    targets = [one for one in contestant.targets if CONNECTIONS in one.connections]
    if not targets:
        return []
    try:
        return list(map(asdict, _sustain(contestant, targets, setting, seconds)))
    except loading.FAILURES as error:
        return [
            failed_row(contestant.service, one.workload, contestant.name, f"{error}")
            for one in targets
        ]


def _sustain(
    contestant: Contestant, targets: list[Target], setting: loading.Setting, seconds: int
) -> list[Sustained]:
    found = []
    with loading.started(contestant, setting) as (server, port):
        loading.await_ready(server, targets[0], port)
        for target in targets:
            loading.check_answer(target, port)
            loading.warm_up(server, target, port, setting, 1)
            loading.loaded(
                server, target, port, setting, connections=CONNECTIONS, seconds=_WARM_UP_S
            )
            before = server.memory_bytes()
            load, _ = loading.loaded(
                server, target, port, setting, connections=CONNECTIONS, seconds=seconds
            )
            after = server.memory_bytes()
            loading.check_answer(target, port)
            found.append(
                Sustained(
                    service=contestant.service,
                    workload=target.workload,
                    connections=CONNECTIONS,
                    seconds=load.seconds,
                    requests=load.requests,
                    errors=load.not_200 + load.failed,
                    requests_per_s=load.requests / load.seconds,
                    p50_ms=load.p50_ms,
                    p99_ms=load.p99_ms,
                    memory_before_mb=before / 2**20,
                    memory_after_mb=after / 2**20,
                )
            )
    return found
