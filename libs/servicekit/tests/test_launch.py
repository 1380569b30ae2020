import json
from collections.abc import Callable
from pathlib import Path

import pytest
from servicekit.launch import NotReadyInTimeError, ServiceProcess, wait_until
from servicekit.testing import LiveService

Live = Callable[..., LiveService]


def test_two_services_listen_on_different_ports_and_end_on_exit(live: Live) -> None:
    with live() as first, live() as second:
        assert 0 != first.port != second.port != 0
        assert first.get("/health").status_code == second.get("/health").status_code == 200
    assert first.process.poll() is not None
    assert second.process.poll() is not None


def test_the_log_can_be_read_while_the_service_runs_and_afterwards(live: Live) -> None:
    with live() as service:
        service.get("/plain")
        wait_until(lambda: service.logged("request") != [], "the request is logged")
        assert service.stop() == 0
    assert [line["route"] for line in service.logged("request")] == ["/plain"]
    assert service.errors == ""


def test_the_log_goes_to_a_given_file(tmp_path: Path, live: Live) -> None:
    log = tmp_path / "service.log"
    made = live()
    with ServiceProcess(made._command, {}, environment=made._environment, log=log) as service:  # noqa: SLF001
        assert service.port
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert "listening" in events


def test_waiting_for_a_service_that_has_ended_is_an_error(live: Live) -> None:
    with live() as service:
        service.stop()
        with pytest.raises(NotReadyInTimeError, match="ended with 0 before it was ready"):
            service.wait_until_ready()


def test_waiting_for_a_service_whose_model_is_refused_is_an_error(
    live: Live, tmp_path: Path
) -> None:
    no_model = pytest.raises(NotReadyInTimeError, match="There is no sealed model at")
    with live(model_dir=tmp_path) as service, no_model:
        service.wait_until_ready()


def test_a_condition_that_does_not_hold_is_an_error() -> None:
    with pytest.raises(AssertionError, match="waited 0 s in vain until pigs fly"):
        wait_until(lambda: False, "pigs fly", timeout_s=0)
