"""What services share: a log that may be off, its metrics, and its end."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from logs import SCHEMA, ids
from modelwatch.log import LogSettings, ServiceLog


class Runtime:
    """Metrics as servicekit has them, read at once."""

    def __init__(self) -> None:
        self.metrics = self
        self.read: dict[str, Callable[[], object]] = {}

    def watch(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        assert documentation
        self.read[name] = read

    def watch_counts(
        self, name: str, documentation: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        assert documentation
        self.read[f"{name}.{label}"] = read

    def values(self) -> dict[str, object]:
        return {name: read() for name, read in self.read.items()}


def log_of(address: str | None, **settings: object) -> ServiceLog:
    values = {f"prediction_log_{name}": value for name, value in settings.items()}
    return ServiceLog(LogSettings.model_validate({"prediction_log": address} | values), SCHEMA)


def record(log: ServiceLog, count: int) -> list[str | None]:
    names = list(log.new_ids(count))
    if log.log is None:
        return names
    log.log.record_all(
        names,
        request_id="r",
        model="a" * 64,
        features=[{"age": 30.0, "comment": "fine"}] * count,
        outputs=[{"label": "stays"}] * count,
        warnings=[[]] * count,
    )
    return names


def test_without_a_place_nothing_is_logged_named_or_counted() -> None:
    log = log_of(None)
    runtime = Runtime()

    async def serve() -> None:
        async with log.lifespan(runtime):
            assert record(log, 3) == [None, None, None]

    asyncio.run(serve())
    assert log.log is None
    assert runtime.read == {}


def test_the_log_lives_as_long_as_the_service_and_counts_in_its_metrics(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_of(str(tmp_path), flush_s=3600)
    runtime = Runtime()

    async def serve() -> list[str | None]:
        async with log.lifespan(runtime):
            names = record(log, 3)
            assert runtime.values() == {
                "prediction_log_records.state": {"written": 0, "dropped": 0, "sampled_out": 0},
                "prediction_log_records_waiting": 3,
            }
        return names

    with caplog.at_level(logging.INFO, logger="modelwatch"):
        names = asyncio.run(serve())
    assert sorted(ids(tmp_path)) == sorted(map(str, names))
    assert runtime.values() == {
        "prediction_log_records.state": {"written": 3, "dropped": 0, "sampled_out": 0},
        "prediction_log_records_waiting": 0,
    }
    assert caplog.messages == [
        "The prediction log was closed. Written: 3, dropped: 0, left out by the sample: 0."
    ]


def test_the_loop_goes_on_while_the_log_is_closed(tmp_path: Path) -> None:
    """The store is broken, so that closing takes its whole time."""
    (tmp_path / "log").write_bytes(b"")
    log = log_of(str(tmp_path / "log"))

    async def serve() -> int:
        turns = 0
        async with log.lifespan(Runtime()):
            record(log, 3)
            closed = asyncio.Event()

            async def turn() -> None:
                nonlocal turns
                while not closed.is_set():
                    turns += 1
                    await asyncio.sleep(0.01)

            turning = asyncio.create_task(turn())
        closed.set()
        await turning
        return turns

    # In five seconds; one if the loop were blocked.
    assert asyncio.run(serve()) > 20


def test_texts_are_asked_for_only_where_they_are_logged(tmp_path: Path) -> None:
    assert not log_of(None, text=True).with_texts
    assert not log_of(str(tmp_path)).with_texts
    assert log_of(str(tmp_path), text=True).with_texts
