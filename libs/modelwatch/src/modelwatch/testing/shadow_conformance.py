"""Conformance of a running service with a shadow: nothing that the shadow does reaches an answer.

The tests of a service derive a class from `ShadowConformance`. The cases run against the service
as a process.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import pytest

from modelwatch.log import LogSchema
from modelwatch.schema import SHADOW, output_column
from modelwatch.shadow.shadow import MAX_WAITING
from modelwatch.testing.conformance import (
    Service,
    Start,
    ask,
    get,
    post,
    without_varying,
)
from modelwatch.testing.processes import children_of, is_alive
from modelwatch.testing.shadow_faults import FAULTS, write_fault
from modelwatch.testing.written_log import WrittenLog

_WAIT_S: Final = 120.0
# A probe of the metrics takes CPU time, which the shadow gets last.
_LOOK_S: Final = 0.25
_TIMES: Final = 5
_CLOSED: Final = re.compile(
    r"The shadow was closed\. Written: (\d+), failed: (\d+), not logged: (\d+), dropped: (\d+)\."
)


class _Closed(NamedTuple):
    """What became of the answers, as the service logs it at its end."""

    written: int
    failed: int
    not_logged: int
    dropped: int


class ShadowConformance:
    """What every service with a shadow does.

    The class needs two fixtures: ``start`` of the scope ``class``, a `Start`, and ``challenger``, a
    sealed model that answers as the one in use does.

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

    def test_the_challenger_answers_every_prediction_under_its_id(
        self, start: Start, challenger: Path, tmp_path: Path
    ) -> None:
        with start(), _shadowed(start, challenger, tmp_path) as service:
            service.wait_until_ready()
            _wait_until_up(service)
            sent = [one.prediction_id for one in ask(service, self.requests, _TIMES)]
            _wait(lambda: _metric(service, "written") == len(sent), "all are written")
            assert _counted(service) == len(sent)
            [process] = children_of(service.pid)
            # These are answered, dropped or failed in the drain, and nothing else.
            sent += [one.prediction_id for one in ask(service, self.requests, _TIMES)]
            assert service.stop() == 0
            closed = _closed(service)
            assert sum(closed) == len(sent)
            assert not is_alive(process)
        answers = {row["prediction_id"]: row for row in WrittenLog(tmp_path / "log").rows}
        shadowed = WrittenLog(tmp_path / "log", SHADOW)
        everything = json.dumps(shadowed.rows, default=str, ensure_ascii=False)
        for secret in self.secrets:
            assert secret not in everything
        assert closed.written <= len(shadowed.rows) <= closed.written + closed.failed
        assert set(shadowed.values("prediction_id")) <= set(sent) == set(answers)
        assert len(set(shadowed.values("prediction_id"))) == len(shadowed.rows)
        for row in shadowed.rows:
            answer = answers[row["prediction_id"]]
            assert row.keys() == answer.keys()
            for name in ("request_id", "model", "warnings"):
                assert row[name] == answer[name]
            for name, kind in self.schema.outputs.items():
                expected = answer[output_column(name)]
                if kind == "number":
                    expected = pytest.approx(expected, rel=1e-9)
                assert row[output_column(name)] == expected

    def test_a_refused_challenger_is_a_warning(
        self, start: Start, challenger: Path, tmp_path: Path
    ) -> None:
        with (
            _shadowed(start, challenger, tmp_path, shadow_model_sha256="0" * 64) as service,
            start() as plain,
        ):
            self._check_answers(service, plain)
            _wait(lambda: _value(service, "shadow_refused") == 1, "it is refused")
            sent = self._check_answers(service, plain)
            assert _value(service, "shadow_up") == 0
            _wait(lambda: not children_of(service.pid), "its process has ended")
            assert service.stop() == plain.stop() == 0
            closed = _closed(service)
            assert closed == (0, 0, 0, 2 * sent)
            [warning] = _warnings(service)
            assert "the challenger is refused: manifest-digest" in warning
        assert WrittenLog(tmp_path / "log", SHADOW).rows == []

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(one, marks=[] if one in {"raises", "aborts"} else [pytest.mark.nightly])
            for one in FAULTS
        ],
    )
    def test_a_challenger_that_misbehaves_changes_no_answer(
        self, start: Start, challenger: Path, tmp_path: Path, fault: str
    ) -> None:
        broken = write_fault(tmp_path / "fault", fault)
        with _shadowed(start, challenger, tmp_path, pythonpath=broken) as service, start() as plain:
            service.wait_until_ready()
            _wait_until_up(service)
            sent = self._check_answers(service, plain)
            if fault == "raises":
                _wait(lambda: _metric(service, "failed") == sent, "all have failed")
            elif fault == "slow":
                _wait(lambda: _metric(service, "written") > 0, "some are written")
            elif fault == "aborts":
                _wait(
                    lambda: any("ended with status -6" in one for one in _warnings(service)),
                    "it ends",
                )
            else:
                # It has rows, and never answers them: the queue fills, and the rest is dropped.
                while not _metric(service, "dropped"):
                    sent += len(ask(service, self.requests, _TIMES))
                assert _value(service, "shadow_answers_waiting") >= MAX_WAITING / 2
            sent += self._check_answers(service, plain)
            processes = children_of(service.pid)
            assert service.stop() == plain.stop() == 0
            closed = _closed(service)
            assert sum(closed) == sent
            assert (closed.written > 0) == (fault == "slow")
            assert [line for line in service.lines if line["level"] == "error"] == []
            assert not any(map(is_alive, processes))
        written = WrittenLog(tmp_path / "log", SHADOW).rows
        assert closed.written <= len(written) <= closed.written + closed.failed

    def test_a_killed_process_is_replaced_and_a_killed_service_leaves_none(
        self, start: Start, challenger: Path, tmp_path: Path
    ) -> None:
        with _shadowed(start, challenger, tmp_path) as service:
            service.wait_until_ready()
            _wait_until_up(service)
            [first] = children_of(service.pid)
            os.kill(first, signal.SIGKILL)
            _wait(lambda: _value(service, "shadow_up") == 0, "its end is seen")
            _wait_until_up(service)
            sent = len(ask(service, self.requests, _TIMES))
            _wait(lambda: _metric(service, "written") == sent, "all are written")
            [second] = children_of(service.pid)
            assert first != second
            # Also if it is stopped, because it has taken more than its share.
            os.kill(second, signal.SIGSTOP)
            service.end()
            _wait(lambda: not is_alive(second), "the process ends with the service")

    def _check_answers(self, service: Service, plain: Service) -> int:
        """Ask a service with a shadow, and one without; the number of equal predictions."""
        count = 0
        for one in (service, plain):
            one.wait_until_ready()
        for path, body in self.requests.items():
            expected, _ = post(plain, path, body)
            answer, predictions = post(service, path, body)
            assert without_varying(answer, self.varying) == without_varying(expected, self.varying)
            assert None not in {one.prediction_id for one in predictions}
            count += len(predictions)
        return count


def _shadowed(start: Start, challenger: Path, folder: Path, **settings: object) -> Any:  # noqa: ANN401
    return start(
        prediction_log=folder / "log",
        prediction_log_flush_s=0.25,
        shadow_model_dir=challenger,
        shadow_cpu_share=1,
        **settings,
    )


def _wait_until_up(service: Service) -> None:
    _wait(lambda: _value(service, "shadow_up") == 1, "the shadow is up")


def _wait(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _WAIT_S
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(_LOOK_S)


def _metric(service: Service, state: str) -> float:
    return _value(service, f'shadow_answers_total{{state="{state}"}}')


def _value(service: Service, sample: str) -> float:
    [found] = [
        line
        for line in get(service, "/metrics").decode().splitlines()
        if line.startswith(sample + " ")
    ]
    return float(found.rpartition(" ")[2])


def _counted(service: Service) -> float:
    """The counts of all states, and what waits."""
    states = sum(_metric(service, state) for state in _Closed._fields)
    return states + _value(service, "shadow_answers_waiting")


def _closed(service: Service) -> _Closed:
    [found] = filter(None, (_CLOSED.match(line["event"]) for line in service.lines))
    return _Closed(*map(int, found.groups()))


def _warnings(service: Service) -> list[str]:
    return [line["event"] for line in service.lines if line["event"].startswith("Shadow: ")]
