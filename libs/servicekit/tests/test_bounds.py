"""Bounds on concurrent requests and on their time."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx2
from servicekit.testing import LiveService, RawConnection, wait_until

Live = Callable[..., LiveService]


def ask(service: LiveService, stack: ExitStack, path: str) -> RawConnection:
    connection = stack.enter_context(RawConnection(service))
    connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def test_requests_beyond_limit_and_queue_are_503_at_once(live: Live) -> None:
    bounds = {"max_concurrent_requests": 1, "max_queued_requests": 1, "queue_timeout_s": 60}
    with live(**bounds, request_timeout_s=600) as service, ExitStack() as stack:
        ask(service, stack, "/sleep?s=600")
        service.wait_for_metric("http_requests_in_flight", 1)
        ask(service, stack, "/sleep?s=600")
        service.wait_for_metric("http_requests_queued", 1)
        response = service.get("/plain")
        assert (response.status_code, response.headers["retry-after"]) == (503, "60")
        assert response.json()["type"] == "urn:problem-type:overloaded"
        assert "Too many requests are waiting" in response.json()["detail"]


def test_probes_and_metrics_are_answered_when_the_limit_is_reached(live: Live) -> None:
    bounds = {"max_concurrent_requests": 1, "max_queued_requests": 0}
    with live(**bounds, request_timeout_s=600) as service, ExitStack() as stack:
        service.wait_until_ready()
        ask(service, stack, "/sleep?s=600")
        service.wait_for_metric("http_requests_in_flight", 1)
        for path in ("/health", "/ready", "/metrics"):
            assert service.get(path).status_code == 200


def test_a_request_that_waits_too_long_in_the_queue_is_503(live: Live) -> None:
    bounds = {"max_concurrent_requests": 1, "queue_timeout_s": 0.2}
    with live(**bounds, request_timeout_s=600) as service, ExitStack() as stack:
        ask(service, stack, "/sleep?s=600")
        service.wait_for_metric("http_requests_in_flight", 1)
        response = service.get("/plain")
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert "The wait in the queue was too long" in response.json()["detail"]
        assert service.metric("http_requests_queued") == 0
        assert service.metric('http_requests_refused_total{reason="overloaded"}') == 1


def test_queued_requests_are_answered_in_order_of_arrival(live: Live, tmp_path: Path) -> None:
    bounds = {"max_concurrent_requests": 1, "queue_timeout_s": 60, "request_timeout_s": 60}
    with live(**bounds) as service, ExitStack() as stack:
        all_wait = tmp_path / "all wait"
        connections = [ask(service, stack, f"/hold?until={quote(str(all_wait))}")]
        service.wait_for_metric("http_requests_in_flight", 1)
        for waiting in (1, 2, 3):
            connections.append(ask(service, stack, f"/items/{waiting}"))
            service.wait_for_metric("http_requests_queued", waiting)
        all_wait.touch()
        answers = [connection.receive_response() for connection in connections]
        assert [status for status, _, _ in answers] == [200] * 4
        assert [json.loads(body) for _, _, body in answers[1:]] == [
            {"item": "1"},
            {"item": "2"},
            {"item": "3"},
        ]
        service.signal()
        assert service.wait() == 0
        routes = [line["route"] for line in service.logged("request")]
        assert routes == ["/hold", "/items/{item}", "/items/{item}", "/items/{item}"]


def test_a_body_that_was_sent_while_waiting_is_read(live: Live) -> None:
    with live(max_concurrent_requests=1, queue_timeout_s=60) as service, ExitStack() as stack:
        service.wait_until_ready()
        ask(service, stack, "/sleep?s=0.5")
        service.wait_for_metric("http_requests_in_flight", 1)
        response = httpx2.post(service.url + "/predict", json={"x": 4}, timeout=60)
        assert response.json() == {"y": 8}


def test_a_client_that_disconnects_leaves_the_queue(live: Live) -> None:
    bounds = {"max_concurrent_requests": 1, "max_queued_requests": 1, "queue_timeout_s": 60}
    with live(**bounds, request_timeout_s=600) as service, ExitStack() as stack:
        ask(service, stack, "/sleep?s=600")
        service.wait_for_metric("http_requests_in_flight", 1)
        with ExitStack() as leaving:
            ask(service, leaving, "/items/1")
            service.wait_for_metric("http_requests_queued", 1)
        service.wait_for_metric("http_requests_queued", 0)
        wait_until(lambda: bool(service.logged("request")), "the departure is logged")
        assert service.logged("request")[0]["problem"] == "client-disconnected"


def test_a_client_that_disconnects_during_its_request_releases_it(live: Live) -> None:
    with live(max_concurrent_requests=1, max_queued_requests=0) as service:
        with ExitStack() as stack:
            ask(service, stack, "/sleep?s=1")
            service.wait_for_metric("http_requests_in_flight", 1)
        service.wait_for_metric("http_requests_in_flight", 0)
        assert service.get("/plain").status_code == 200


def test_a_slow_answer_is_504(live: Live) -> None:
    with live(request_timeout_s=0.2) as service:
        response = service.get("/sleep?s=600")
        assert response.status_code == 504
        assert response.json()["type"] == "urn:problem-type:deadline-exceeded"
        assert service.metric("http_requests_in_flight") == 0


def test_work_in_a_thread_that_takes_too_long_is_504_and_keeps_its_thread(live: Live) -> None:
    with live(request_timeout_s=0.5, worker_threads=1) as service:
        assert service.get("/work?s=2").status_code == 504
        assert service.metric("worker_threads_busy") == 1
        assert service.metric("http_requests_in_flight") == 0
        # The only thread is taken: nothing else is started, and nothing piles up behind it.
        assert service.get("/work?s=0").status_code == 504
        service.wait_for_metric("worker_threads_busy", 0)
        assert service.get("/work?s=0").status_code == 200


def test_the_loop_answers_while_threads_work(live: Live) -> None:
    with live(worker_threads=1) as service, ExitStack() as stack:
        ask(service, stack, "/work?s=3")
        service.wait_for_metric("worker_threads_busy", 1)
        assert service.get("/plain").status_code == 200
        assert service.metric("worker_threads_busy") == 1


def test_200_clients_are_answered_or_get_retry_after(live: Live) -> None:
    bounds = {"max_concurrent_requests": 8, "max_queued_requests": 64, "queue_timeout_s": 0.5}
    with live(**bounds) as service:
        service.wait_until_ready()

        def ask_often(_client: int) -> list[int]:
            with httpx2.Client(timeout=60) as client:
                return [
                    client.post(service.url + "/predict", json={"x": 1}).status_code
                    for _ in range(10)
                ]

        with ThreadPoolExecutor(201) as clients:
            asked = clients.map(ask_often, range(200))
            health = clients.submit(lambda: [service.get("/health").status_code for _ in range(5)])
            statuses = [status for answers in asked for status in answers]
        assert set(health.result()) == {200}
        assert len(statuses) == 2000
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) > 0
        refused = service.metric('http_requests_refused_total{reason="overloaded"}')
        assert refused == statuses.count(503)
        assert service.metric("http_requests_in_flight") == 0
        assert service.metric("http_requests_queued") == 0
