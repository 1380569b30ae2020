"""Conformance of a running service: what it logs, and that the log costs no answer.

The tests of a service derive a class from `LogConformance`. The cases run against the service as a
process.
"""

import json
import random
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import pytest

from modelwatch.log import LogSchema
from modelwatch.schema import feature_column, output_column
from modelwatch.testing.dead_bucket import DEAD_BUCKET
from modelwatch.testing.postgres import PostgresServer, postgres_server
from modelwatch.testing.written_log import WrittenLog

_WAIT_S: Final = 60.0
_CLIENTS: Final = 4
_TIMES: Final = 5
_FLUSH_S: Final = 0.25
# What a busy machine may add to the stated seconds.
_SLACK_S: Final = 2.0
_CLOSED: Final = re.compile(
    r"The prediction log was closed\. Written: (\d+), dropped: (\d+), left out by the sample: (\d+)"
)
_OF_EVERY_LOG: Final = frozenset({"time", "prediction_id", "request_id", "model", "warnings"})


class Service(Protocol):
    """A service that runs as a process, as servicekit's `LiveService`."""

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def lines(self) -> list[dict[str, Any]]: ...

    def wait_until_ready(self) -> None: ...

    def wait_for_metric(self, sample: str, value: float) -> None: ...

    def stop(self) -> int: ...

    def end(self) -> None: ...


Start = Callable[..., AbstractContextManager[Service]]
"""Makes a service from settings, given by their names in lower case."""


class LogConformance:
    """What every service with a prediction log does.

    The class needs a fixture ``start`` of the scope ``class``: a `Start`.

    Attributes:
        schema: What the service logs.
        requests: Requests with JSON that are answered with predictions: a path, and its body.
        secrets: Texts of the requests that may not be in the log.
        varying: Fields of answers that differ between equal requests.
    """

    schema: ClassVar[LogSchema]
    requests: ClassVar[Mapping[str, object]]
    secrets: ClassVar[tuple[str, ...]] = ()
    varying: ClassVar[frozenset[str]]

    @pytest.fixture(scope="class")
    @classmethod
    def postgres(cls) -> Iterator[PostgresServer]:
        with postgres_server() as server:
            yield server

    # The library's own tests have every failure of a database; services repeat a few nightly.
    @pytest.fixture(params=["folder", pytest.param("postgresql", marks=pytest.mark.nightly)])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> str:
        """The address of a new log."""
        if request.param == "folder":
            return str(tmp_path / "log")
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.address()

    def test_after_a_drain_every_answer_is_in_the_log_once(self, start: Start, place: str) -> None:
        with start(prediction_log=place, prediction_log_flush_s=_FLUSH_S) as service:
            service.wait_until_ready()
            sent = ask(service, self.requests, _TIMES)
            model = json.loads(get(service, "/model_info"))["sha256"]
            # Counted while it runs, too.
            named = 'prediction_log_records_total{state="written"}'
            service.wait_for_metric(named, len(sent))
            service.wait_for_metric('prediction_log_records_total{state="dropped"}', 0)
            service.wait_for_metric("prediction_log_records_waiting", 0)
            # These are written by the drain.
            sent += ask(service, self.requests, 1)
            assert service.stop() == 0
            assert _closed(service) == (len(sent), 0, 0)
        log = WrittenLog(place)
        logged = zip(log.values("prediction_id"), log.values("request_id"), strict=True)
        assert sorted(logged) == sorted((one.prediction_id, one.request_id) for one in sent)
        assert set(log.values("model")) == {model}
        for name in self.schema.outputs:
            assert None not in log.values(output_column(name)), name

    def test_only_what_is_declared_is_in_the_log(self, start: Start, tmp_path: Path) -> None:
        log = log_of(start, tmp_path, self.requests)
        features = {name for name, kind in self.schema.features.items() if kind != "text"}
        assert log.columns == (
            _OF_EVERY_LOG
            | {feature_column(name) for name in features}
            | {output_column(name) for name in self.schema.outputs}
        )
        everything = json.dumps(log.rows, default=str, ensure_ascii=False)
        sent = json.dumps(list(self.requests.values()), ensure_ascii=False)
        for secret in self.secrets:
            assert secret in sent
            assert secret not in everything

    def test_answers_outside_of_the_sample_have_no_id(self, start: Start, tmp_path: Path) -> None:
        with start(prediction_log=tmp_path / "log", prediction_log_sample=0.5) as service:
            service.wait_until_ready()
            sent = ask(service, self.requests, 10)
            assert service.stop() == 0
            named = [one.prediction_id for one in sent if one.prediction_id is not None]
            assert 0 < len(named) < len(sent)
            assert _closed(service) == (len(named), 0, len(sent) - len(named))
        assert sorted(WrittenLog(tmp_path / "log").values("prediction_id")) == sorted(named)

    @pytest.mark.parametrize(
        "store",
        ["no-folder", "dead-bucket", pytest.param("dead-database", marks=pytest.mark.nightly)],
    )
    def test_a_store_that_fails_changes_no_answer(
        self, start: Start, tmp_path: Path, store: str
    ) -> None:
        (tmp_path / "file").write_bytes(b"")
        # No right of a user makes a folder of a file.
        broken: Mapping[str, object] = {"prediction_log": tmp_path / "file"}
        if store == "dead-bucket":
            broken = {name.lower(): value for name, value in DEAD_BUCKET.items()}
        elif store == "dead-database":
            broken = {"prediction_log": "postgresql://any:secret@127.0.0.1:9/any?schema=log"}
        with start() as plain, start(prediction_log_flush_s=_FLUSH_S, **broken) as service:
            plain.wait_until_ready()
            service.wait_until_ready()
            sent = ask(service, self.requests, _TIMES)
            for path, body in self.requests.items():
                expected, without = post(plain, path, body)
                answer, answered = post(service, path, body)
                assert without_varying(answer, self.varying) == without_varying(
                    expected, self.varying
                )
                assert {one.prediction_id for one in without} == {None}
                sent += answered
            assert None not in {one.prediction_id for one in sent}
            assert plain.stop() == service.stop() == 0
            assert _closed(service) == (0, len(sent), 0)
            warned = [line for line in service.lines if "cannot be written" in line["event"]]
            assert len(warned) == 1
            assert "secret" not in str(service.lines)
            assert [line for line in service.lines if line["level"] == "error"] == []

    @pytest.mark.parametrize(
        "seed", [*range(3), *(pytest.param(one, marks=pytest.mark.nightly) for one in range(3, 20))]
    )
    def test_a_kill_under_load_loses_at_most_the_stated_seconds_and_tears_no_part(
        self, start: Start, place: str, seed: int
    ) -> None:
        moment = random.Random(seed).uniform(0, 2 * _FLUSH_S)  # noqa: S311 - no secret
        with start(prediction_log=place, prediction_log_flush_s=_FLUSH_S) as service:
            service.wait_until_ready()
            load = _Load(service, self.requests, times=None)
            load.start()
            time.sleep(_FLUSH_S + _SLACK_S + moment)
            killed = time.time()
            service.end()
            sent = load.join()
        logged = WrittenLog(place).values("prediction_id")
        assert len(logged) == len(set(logged))
        old = {one.prediction_id for one in sent if one.at < killed - _FLUSH_S - _SLACK_S}
        assert old
        assert old <= set(logged)


def log_of(
    start: Start, folder: Path, requests: Mapping[str, object], **settings: object
) -> WrittenLog:
    """Start a service, send each request once, and stop it; its log, in a folder."""
    with start(prediction_log=folder / "log", **settings) as service:
        service.wait_until_ready()
        for path, body in requests.items():
            post(service, path, body)
        assert service.stop() == 0
    return WrittenLog(folder / "log")


class _Answer(NamedTuple):
    """A prediction that a client got.

    Attributes:
        prediction_id: Its name; None if it is not logged.
        request_id: The id of its request.
        at: When it was there, in seconds since 1970.
    """

    prediction_id: str | None
    request_id: str
    at: float


class _Load:
    """Clients that ask until the service is gone, or a number of times."""

    def __init__(self, service: Service, requests: Mapping[str, object], times: int | None) -> None:
        self._service = service
        self._requests = requests
        self._times = times
        self._answers: list[_Answer] = []
        self._failures: list[OSError | HTTPException] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(_CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> list[_Answer]:
        for thread in self._threads:
            thread.join()
        if self._times is not None:
            assert self._failures == []
        return self._answers

    def _run(self) -> None:
        for _ in count() if self._times is None else range(self._times):
            for path, body in self._requests.items():
                try:
                    self._answers += post(self._service, path, body)[1]
                except (OSError, HTTPException) as error:
                    self._failures.append(error)
                    return


def ask(service: Service, requests: Mapping[str, object], times: int) -> list[_Answer]:
    """Several clients send each request some times; all predictions."""
    load = _Load(service, requests, times)
    load.start()
    return load.join()


def post(service: Service, path: str, body: object) -> tuple[Any, list[_Answer]]:
    """Send one request; the document, and its predictions."""
    request = urllib.request.Request(  # noqa: S310 - a service on this machine
        service.url + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_WAIT_S) as response:  # noqa: S310
        document = json.load(response)
        request_id = response.headers["X-Request-ID"]
    now = time.time()
    return document, [_Answer(one, request_id, now) for one in _ids(document)]


def get(service: Service, path: str) -> bytes:
    """The body of an answer."""
    with urllib.request.urlopen(service.url + path, timeout=_WAIT_S) as response:  # noqa: S310
        found: bytes = response.read()
        return found


def _ids(document: object) -> Iterator[str | None]:
    """The prediction ids of a document, in their order."""
    if isinstance(document, dict):
        if "prediction_id" in document:
            yield document["prediction_id"]
        for value in document.values():
            yield from _ids(value)
    elif isinstance(document, list):
        for value in document:
            yield from _ids(value)


def without_varying(document: object, varying: Collection[str]) -> object:
    """A document without the fields that differ between equal requests."""
    if isinstance(document, dict):
        return {
            name: without_varying(value, varying)
            for name, value in document.items()
            if name != "prediction_id" and name not in varying
        }
    if isinstance(document, list):
        return [without_varying(value, varying) for value in document]
    return document


def _closed(service: Service) -> tuple[int, int, int]:
    """Records that were written, dropped and left out by the sample, as the service logged."""
    [found] = filter(None, (_CLOSED.match(line["event"]) for line in service.lines))
    written, dropped, left_out = map(int, found.groups())
    return written, dropped, left_out
