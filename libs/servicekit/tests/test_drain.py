"""Shutdown, from a signal to the end of the process."""

import signal
import threading
from collections.abc import Callable

import httpx2
import pytest
from servicekit.testing import LiveService, RawConnection, wait_until

Live = Callable[..., LiveService]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_exits_with_0(live: Live, number: signal.Signals) -> None:
    with live() as service:
        service.signal(number)
        assert service.wait() == 0


def test_the_first_signal_makes_it_not_ready_while_it_still_serves(live: Live) -> None:
    with live(drain_s=600) as service:
        service.wait_until_ready()
        service.signal()
        wait_until(lambda: service.get("/ready").status_code == 503, "it is not ready")
        assert service.get("/ready").json()["type"] == "urn:problem-type:draining"
        assert service.get("/health").status_code == 200
        assert service.get("/plain").status_code == 200


def test_answers_close_their_connections_while_draining(live: Live) -> None:
    with live(drain_s=600) as service, RawConnection(service) as connection:
        connection.send(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "connection" not in connection.receive_response()[1]
        service.signal()
        wait_until(lambda: service.get("/ready").status_code == 503, "it is not ready")
        connection.send(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.receive_response()[1]["connection"] == "close"
        assert connection.receive_until_closed() == b""


def test_a_second_signal_ends_it_at_once(live: Live) -> None:
    with live(drain_s=600) as service:
        service.wait_until_ready()
        service.signal()
        wait_until(lambda: service.get("/ready").status_code == 503, "it is not ready")
        service.signal()
        assert service.wait() == 128 + signal.SIGTERM


def test_active_requests_are_finished(live: Live) -> None:
    with live() as service, RawConnection(service) as connection:
        connection.send(b"GET /sleep?s=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        service.wait_for_metric("http_requests_in_flight", 1)
        service.signal()
        assert connection.receive_response()[0] == 200
        assert service.wait() == 0


def test_queued_requests_are_finished(live: Live) -> None:
    with (
        live(max_concurrent_requests=1, queue_timeout_s=60) as service,
        RawConnection(service) as first,
        RawConnection(service) as second,
    ):
        for connection in (first, second):
            connection.send(b"GET /sleep?s=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        service.wait_for_metric("http_requests_queued", 1)
        service.signal()
        assert [c.receive_response()[0] for c in (first, second)] == [200, 200]
        assert service.wait() == 0


def test_a_connection_that_was_opened_before_the_signal_is_answered(live: Live) -> None:
    with live(drain_s=0.3) as service, RawConnection(service) as connection:
        service.get("/health")
        service.signal()
        wait_until(lambda: bool(service.logged("draining")), "it drains")
        connection.send(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.receive_response()[0] == 200
        assert service.wait() == 0


def test_a_request_that_outlasts_the_grace_period_is_503(live: Live) -> None:
    with live(shutdown_grace_s=1) as service, RawConnection(service) as connection:
        connection.send(b"GET /sleep?s=9 HTTP/1.1\r\nHost: x\r\n\r\n")
        service.wait_for_metric("http_requests_in_flight", 1)
        service.signal()
        status, headers, body = connection.receive_response()
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"shutting-down" in body
        assert service.wait() == 0


def test_a_thread_that_never_ends_does_not_keep_the_process(live: Live) -> None:
    with live(request_timeout_s=0.2) as service:
        assert service.get("/work?s=3000").status_code == 504
        service.signal()
        assert service.wait() == 0
        assert service.logged("leaving threads at work")


@pytest.mark.parametrize("drain_s", [0, 1])
def test_under_load_every_accepted_request_is_answered(live: Live, drain_s: int) -> None:
    """Clients open connections as fast as they can until the service no longer listens."""
    with live(drain_s=drain_s, max_queued_requests=1000, queue_timeout_s=60) as service:
        service.wait_until_ready()
        answers: list[int] = []
        failures: list[BaseException] = []

        def hammer() -> None:
            while True:
                try:
                    with httpx2.Client(timeout=60) as client:
                        while True:
                            response = client.get(service.url + "/sleep?s=0.01")
                            answers.append(response.status_code)
                            if response.headers.get("connection") == "close":
                                break
                except httpx2.ConnectError:
                    return
                except httpx2.HTTPError as error:
                    failures.append(error)
                    return

        clients = [threading.Thread(target=hammer) for _ in range(16)]
        for client in clients:
            client.start()
        wait_until(lambda: len(answers) > 100, "there is load")
        service.signal()
        for client in clients:
            client.join(60)
        assert failures == []
        assert set(answers) == {200}
        assert service.wait() == 0
        assert len(answers) == sum(
            line["route"] == "/sleep" for line in service.logged("request")
        ), "every request was logged once"
