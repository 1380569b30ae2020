"""What services share: a log that may be off, its metrics, and its end."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from logs import SCHEMA, ids, rows
from modelseal import OpenedModel
from modelwatch.log import LogSettings, ServiceLog
from modelwatch.shadow import AnswerRows
from pydantic import ValidationError
from shadows import wait_until


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

    def publish_text(self, prefix: str, text: str) -> None:
        assert (prefix, text) == ("modelwatch_", "")

    def values(self) -> dict[str, object]:
        return {name: read() for name, read in self.read.items()}


ANSWERING: Any = SimpleNamespace(request_id="r", model=SimpleNamespace(sha256="a" * 64))


def no_answers(opened: OpenedModel) -> AnswerRows:
    raise TypeError(opened)


def log_of(
    address: str | None, *, more: Mapping[str, object] = MappingProxyType({}), **settings: object
) -> ServiceLog:
    values = {f"prediction_log_{name}": value for name, value in settings.items()}
    found = LogSettings.model_validate({"prediction_log": address, **values, **more})
    return ServiceLog(found, SCHEMA, no_answers)


def record(log: ServiceLog, count: int) -> list[str | None]:
    names = list(log.new_ids(count))
    answers = [SimpleNamespace(warnings=[], label="stays", probability=0.5) for _ in names]
    log.record(ANSWERING, names, [{"age": 30.0, "comment": "fine"}] * count, answers)
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


def test_an_answer_is_logged_with_its_name_features_outputs_and_warnings(tmp_path: Path) -> None:
    log = log_of(str(tmp_path), text=True)

    async def serve() -> None:
        async with log.lifespan(Runtime()):
            warning = SimpleNamespace(code="outside_training_range")
            answers = [
                SimpleNamespace(warnings=[], label="stays", probability=0.25),
                SimpleNamespace(warnings=[warning], label="leaves", probability=0.75),
            ]
            features = [{"age": 30.0, "comment": "fine"}, {"age": 31.0}]
            log.record(ANSWERING, ["p0", "p1"], features, answers)

    asyncio.run(serve())
    columns = (
        'prediction_id, request_id, model, "feature.age", "feature.comment", "output.label", '
        '"output.probability", warnings'
    )
    assert sorted(rows(tmp_path, columns)) == [
        ("p0", "r", "a" * 64, 30.0, "fine", "stays", 0.25, []),
        ("p1", "r", "a" * 64, 31.0, None, "leaves", 0.75, ["outside_training_range"]),
    ]


def test_features_are_made_of_rows_and_answers_outside_the_request(tmp_path: Path) -> None:
    threads: list[str] = []

    def features(texts: Sequence[str], answers: Sequence[Any]) -> list[dict[str, object]]:
        threads.append(threading.current_thread().name)
        return [
            {"age": len(text), "country": answer.label}
            for text, answer in zip(texts, answers, strict=True)
        ]

    settings = LogSettings.model_validate({"prediction_log": str(tmp_path)})
    log = ServiceLog(settings, SCHEMA, no_answers, features=features)

    async def serve() -> None:
        async with log.lifespan(Runtime()):
            answer = SimpleNamespace(warnings=[], label="stays")
            log.record(ANSWERING, ["p"], ["four"], [answer])

    asyncio.run(serve())
    assert rows(tmp_path, '"feature.age", "feature.country"') == [(4.0, "stays")]
    assert threads == ["prediction-log"]


def test_without_a_challenger_there_is_no_shadow(tmp_path: Path) -> None:
    assert log_of(str(tmp_path)).shadow is None
    assert log_of(None).shadow is None


def test_the_shadow_is_offered_what_is_logged_and_counts_in_the_metrics(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_of(str(tmp_path / "log"), more={"shadow_model_dir": tmp_path / "absent"})
    runtime = Runtime()
    shadow = log.shadow
    assert shadow is not None

    async def serve() -> None:
        async with log.lifespan(runtime):
            record(log, 3)
            await asyncio.to_thread(
                wait_until, lambda: shadow.is_refused and not shadow.counts().waiting, "it is off"
            )
            found = runtime.values()
            assert found["shadow_answers.state"] == {
                "written": 0,
                "failed": 0,
                "not_logged": 0,
                "dropped": 3,
            }
            assert (found["shadow_up"], found["shadow_refused"]) == (False, True)
            assert found["shadow_answers_waiting"] == 0

    with caplog.at_level(logging.INFO, logger="modelwatch"):
        asyncio.run(serve())
    refused, *closed = caplog.messages
    assert refused.startswith("Shadow: the challenger is refused: ")
    assert "The shadow was closed. Written: 0, failed: 0, not logged: 0, dropped: 3." in closed
    assert len(ids(tmp_path / "log")) == 3


def test_a_shadow_needs_a_log(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="but PREDICTION_LOG is not"):
        LogSettings.model_validate({"shadow_model_dir": tmp_path})


class ServiceSettings(LogSettings):
    """As servicekit has them."""

    app_env: str
    model_signers: tuple[str, ...] = ()


def test_a_shadow_in_production_needs_a_digest_or_a_signer(tmp_path: Path) -> None:
    values = {"shadow_model_dir": tmp_path, "prediction_log": str(tmp_path)}
    production = values | {"app_env": "production"}
    with pytest.raises(ValidationError, match="SHADOW_MODEL_SHA256 is not set"):
        ServiceSettings.model_validate(production)
    assert ServiceSettings.model_validate(values | {"app_env": "test"}).shadow_signers == ()
    ServiceSettings.model_validate(production | {"shadow_model_sha256": "a" * 64})
    signed = ServiceSettings.model_validate(production | {"model_signers": ("ed25519:x",)})
    assert signed.shadow_signers == ("ed25519:x",)
