"""Measures contestants in rounds: each in every round, each round in another order."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

import checks
import wrk
from contestants import Contestant, Target
from processes import Server, ServerEndedError

READY_S: Final = 180.0
_POLL_S: Final = 0.05
MOST_S: Final = 10
"""The longest measurement at one number of connections."""

_WARM_UP: Final = 10
"""Connections of the warm-up."""

_ANSWERS_EACH: Final = 2

FAILURES: Final = (checks.WrongAnswerError, ServerEndedError, wrk.LoadError, OSError)


@dataclass(frozen=True)
class Sample:
    """What was measured of one workload at a number of connections, in one round.

    Attributes:
        cpu_ms: CPU time of all of the server's processes for one request.
        requests_per_s: Rate of answers.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
    """

    cpu_ms: float
    requests_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass
class Measured:
    """What was measured of a contestant in all rounds.

    Attributes:
        samples: By workload and connections.
        ready_s: Seconds from its start to its first right answer, of each round.
        memory_mb: Memory of all of its processes at the end of each round.
        failures: Reasons, by workload and connections; 0 connections for the whole workload.
    """

    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)
    ready_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """How contestants are measured.

    Attributes:
        wrk: The client.
        server_core: The core of the servers.
        client_core: The core of the client.
        seconds: Seconds to measure at each number of connections.
        scratch: Folder for logs and scripts.
    """

    wrk: Path
    server_core: int
    client_core: int
    seconds: int
    scratch: Path


def orders(count: int, rounds: int) -> Iterator[list[int]]:
    """The order of each round: rotated, so that each begins with another contestant."""
    for number in range(rounds):
        first = number * count // rounds
        yield [(first + place) % count for place in range(count)]


def measure(contestant: Contestant, into: Measured, setting: Setting) -> None:
    """Start a contestant, check its answers, measure it, and end it.

    A failure is added to its failures, and what failed is not measured in later rounds.
    """
    targets = [one for one in contestant.targets if (one.workload, 0) not in into.failures]
    if not targets:
        return
    ports = _free_ports(3)
    places = {
        f"{{port{number or ''}}}": str(port) for number, port in zip((0, 2, 3), ports, strict=True)
    }
    environment = {name: _filled(value, places) for name, value in contestant.environment.items()}
    command = [_filled(word, places) for word in contestant.command]
    log = setting.scratch / "server.log"
    server = Server(
        command, environment, core=setting.server_core, log=log, folder=contestant.folder
    )
    with ExitStack() as stack:
        try:
            began = time.monotonic()
            stack.enter_context(server)
            _await_ready(server, targets[0], ports[0])
            ready_s = time.monotonic() - began
            for target in targets:
                answer = checks.ask(target.request, ports[0])
                checks.check(answer, target.expected, target.tolerance)
        except FAILURES as error:
            for target in targets:
                into.failures[target.workload, 0] = f"{error}"
            return
        into.ready_s.append(ready_s)
        for target in targets:
            _measure_target(server, target, ports[0], into, setting)
        into.memory_mb.append(server.memory_bytes() / 2**20)


def _measure_target(
    server: Server, target: Target, port: int, into: Measured, setting: Setting
) -> None:
    def loaded(connections: int, seconds: int) -> Sample:
        server.settle()
        before = server.cpu_seconds()
        found = wrk.run(
            setting.wrk,
            target.request,
            port,
            connections=connections,
            seconds=seconds,
            core=setting.client_core,
            work=setting.scratch,
        )
        cpu = server.cpu_seconds() - before
        server.check_alive()
        return Sample(
            cpu_ms=cpu * 1e3 / found.requests,
            requests_per_s=found.requests / found.seconds,
            p50_ms=found.p50_ms,
            p99_ms=found.p99_ms,
        )

    def sample(connections: int, seconds: int) -> Sample:
        try:
            return loaded(connections, seconds)
        except wrk.NoAnswerError:
            return loaded(connections, MOST_S)

    least = target.seconds or setting.seconds
    try:
        rate = sample(min(_WARM_UP, max(target.connections)), least).requests_per_s
    except FAILURES as error:
        into.failures[target.workload, 0] = f"{error}"
        return
    for connections in target.connections:
        place = (target.workload, connections)
        if place in into.failures:
            continue
        # A slow server needs longer until it has answered every connection.
        seconds = max(least, min(MOST_S, ceil(_ANSWERS_EACH * connections / rate)))
        try:
            into.samples.setdefault(place, []).append(sample(connections, seconds))
        except FAILURES as error:
            into.failures[place] = f"{error}"


def _await_ready(server: Server, target: Target, port: int) -> None:
    """Wait for the first answer with 200.

    Raises:
        WrongAnswerError: There is none in time; the message has the last answer.
    """
    until = time.monotonic() + READY_S
    reason = "no answer"
    while time.monotonic() < until:
        server.check_alive()
        try:
            checks.ask(target.request, port)
        except (checks.WrongAnswerError, OSError) as error:
            reason = f"{error}"
        else:
            return
        time.sleep(_POLL_S)
    raise checks.WrongAnswerError(
        f"not ready within {READY_S:.0f} s: {reason}; its log ends: {server.log_end()}"
    )


def _free_ports(count: int) -> Sequence[int]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [one.getsockname()[1] for one in sockets]


def _filled(text: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text
