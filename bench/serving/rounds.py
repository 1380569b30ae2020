"""Measures contestants in rounds: each in every round, each round in another order."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import checks
import wrk
from contestants import Contestant, Target
from loading import (
    FAILURES,
    MOST_S,
    Setting,
    await_ready,
    check_answer,
    loaded,
    started,
    warm_up,
)
from processes import Server

# Answers for each connection, so that the 99th percentile is that of dozens of answers at least.
_ANSWERS_EACH: Final = 25

# Answers that are, on average, this much shorter than those of the warm-up are others.
_LEAST_LENGTH: Final = 0.9


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
    with ExitStack() as stack:
        try:
            began = time.monotonic()
            server, port = stack.enter_context(started(contestant, setting))
            await_ready(server, targets[0], port)
            ready_s = time.monotonic() - began
            for target in targets:
                check_answer(target, port)
        except FAILURES as error:
            for target in targets:
                into.failures[target.workload, 0] = f"{error}"
            return
        into.ready_s.append(ready_s)
        for target in targets:
            _measure_target(server, target, port, into, setting)
        into.memory_mb.append(server.memory_bytes() / 2**20)


def _measure_target(
    server: Server, target: Target, port: int, into: Measured, setting: Setting
) -> None:
    least = target.seconds or setting.seconds
    try:
        warm = warm_up(server, target, port, setting, least)
    except FAILURES as error:
        into.failures[target.workload, 0] = f"{error}"
        return
    rate = warm.requests / warm.seconds

    def load(connections: int, seconds: int) -> tuple[wrk.Load, float]:
        return loaded(server, target, port, setting, connections=connections, seconds=seconds)

    def sample(connections: int) -> Sample:
        # A slow server needs longer until it has answered every connection.
        seconds = max(least, min(MOST_S, ceil(_ANSWERS_EACH * connections / rate)))
        try:
            found, cpu = load(connections, seconds)
        except wrk.NoAnswerError:
            found, cpu = load(connections, MOST_S)
        found.check()
        if found.bytes / found.requests < _LEAST_LENGTH * warm.bytes / warm.requests:
            raise checks.WrongAnswerError(
                f"answers of {found.bytes / found.requests:.0f} bytes on average, and of "
                f"{warm.bytes / warm.requests:.0f} in the warm-up"
            )
        check_answer(target, port)
        return Sample(
            cpu_ms=cpu * 1e3 / found.requests,
            requests_per_s=found.requests / found.seconds,
            p50_ms=found.p50_ms,
            p99_ms=found.p99_ms,
        )

    for connections in target.connections:
        place = (target.workload, connections)
        if place in into.failures:
            continue
        try:
            into.samples.setdefault(place, []).append(sample(connections))
        except FAILURES as error:
            into.failures[place] = f"{error}"
