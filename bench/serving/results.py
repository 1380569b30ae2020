"""The results file: medians and ranges over the rounds."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from contestants import ROOT, Contestant
from rounds import Measured

Figure = dict[str, float]


def figure(values: Sequence[float]) -> Figure:
    """The median, and the lowest and highest value."""
    return {
        "median": statistics.median(values),
        "lowest": min(values),
        "highest": max(values),
    }


def rows_of(contestant: Contestant, measured: Measured) -> Iterable[dict[str, Any]]:
    """The rows of a contestant, one for each of its workloads."""
    for target in contestant.targets:
        row: dict[str, Any] = {
            "service": contestant.service,
            "workload": target.workload,
            "name": contestant.name,
        }
        failure = measured.failures.get((target.workload, 0))
        if failure is not None:
            yield row | {"failed": _portable(failure)}
            continue
        loads: dict[str, Any] = {}
        for connections in target.connections:
            failure = measured.failures.get((target.workload, connections))
            if failure is not None:
                loads[str(connections)] = {"failed": _portable(failure)}
                continue
            samples = [asdict(one) for one in measured.samples[target.workload, connections]]
            loads[str(connections)] = {
                name: figure([one[name] for one in samples]) for name in samples[0]
            }
        yield row | {
            "ready_s": figure(measured.ready_s),
            "memory_mb": figure(measured.memory_mb),
            "loads": loads,
        }


def failed_row(service: str, workload: str, name: str, reason: str) -> dict[str, Any]:
    """The row of a contestant without figures."""
    return {"service": service, "workload": workload, "name": name, "failed": _portable(reason)}


def _portable(reason: str) -> str:
    """A reason without the place of the repository on this machine."""
    return reason.replace(f"{ROOT}/", "")


def bare_rows(service: str, rounds: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The rows of calls in process.

    Args:
        service: Folder name of the service.
        rounds: What ``servers/bare.py`` printed in each round.
    """
    for workload, ways in rounds[0].items():
        for way, names in ways.items():
            yield {
                "service": service,
                "workload": workload,
                "way": way,
                **{name: figure([one[workload][way][name] for one in rounds]) for name in names},
            }
