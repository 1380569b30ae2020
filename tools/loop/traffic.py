"""The traffic of a simulation: rows by day, and the requests that bring them to the service."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple

from clock import Clock
from declaration import LoopedService

__all__ = ["Answered", "Row", "TrafficError", "read_history", "read_traffic", "send_day"]

_HOURS: Final = (9, 12, 15, 18)
_TIMEOUT_S: Final = 60


class TrafficError(Exception):
    """A request was not answered as it should be."""


class Row(NamedTuple):
    """A row of a request, and the outcome that comes true later."""

    fields: Mapping[str, Any]
    outcome: str


class Answered(NamedTuple):
    """A row that was answered on a day, under the name of its prediction."""

    day: date
    prediction_id: str
    row: Row


def read_history(file: Path) -> list[Row]:
    """The rows that the champion is trained on."""
    return [_row(json.loads(line)) for line in _lines(file)]


def read_traffic(file: Path) -> dict[date, list[Row]]:
    """The rows of each day."""
    found: dict[date, list[Row]] = defaultdict(list)
    for line in _lines(file):
        document = json.loads(line)
        found[date.fromisoformat(document["day"])].append(_row(document))
    return dict(found)


def send_day(
    service: LoopedService, port: int, clock: Clock, day: date, rows: list[Row]
) -> list[Answered]:
    """Send the rows of a day in a few requests, at some hours of it.

    Args:
        service: The service.
        port: Port of the loopback interface that it listens on.
        clock: Its clock, which is set to the hour of each request before it is sent.
        day: The day.
        rows: The rows.

    Raises:
        TrafficError: A request is refused, or an answer has no prediction id.
    """
    answered = []
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        size = -(-len(rows) // len(_HOURS))
        for number, hour in enumerate(_HOURS):
            part = rows[number * size : (number + 1) * size]
            if not part:
                break
            clock.set(day, hour)
            answers = _post(connection, service, [row.fields for row in part])
            for row, answer in zip(part, answers, strict=True):
                if not answer.get("prediction_id"):
                    raise TrafficError(f"An answer of {service.path} has no prediction_id")
                answered.append(Answered(day, answer["prediction_id"], row))
    finally:
        connection.close()
    return answered


def _post(
    connection: HTTPConnection, service: LoopedService, rows: list[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    body = json.dumps({service.rows: rows})
    connection.request("POST", service.path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200:  # noqa: PLR2004 - HTTP
        raise TrafficError(f"{service.path} answered {response.status}: {text[:500]}")
    found: list[dict[str, Any]] = json.loads(text)[service.answers]
    return found


def _row(document: Mapping[str, Any]) -> Row:
    return Row(document["row"], str(document["outcome"]))


def _lines(file: Path) -> Iterator[str]:
    return iter(file.read_text(encoding="utf-8").splitlines())
