from collections.abc import Callable

import pytest
from servicekit.testing import LiveService, NotListeningError

Live = Callable[..., LiveService]


def finished(service: LiveService) -> LiveService:
    service.signal()
    assert service.wait() == 0
    return service


def test_every_line_is_json_with_the_same_fields(live: Live) -> None:
    with live() as service:
        service.get("/plain")
        finished(service)
        # LiveService reads every line as JSON.
        assert len(service.lines) > 5
        for line in service.lines:
            assert {"event", "level", "timestamp", "service"} <= line.keys()
            assert line["service"] == "example"


def test_the_web_servers_lines_are_among_them(live: Live) -> None:
    with live() as service:
        finished(service)
        assert any(line.get("logger") == "uvicorn.error" for line in service.lines)


def test_nothing_is_written_to_standard_error(live: Live) -> None:
    with live() as service:
        service.get("/boom")
        finished(service).end()
        assert service.errors == ""


def test_each_request_is_one_line(live: Live) -> None:
    with live() as service:
        response = service.get("/items/1")
        (line,) = finished(service).logged("request")
        assert line["route"] == "/items/{item}"
        assert (line["method"], line["status"], line["client"]) == ("GET", 200, "127.0.0.1")
        assert line["request_id"] == response.headers["x-request-id"]
        assert line["duration_ms"] > 0


def test_polled_paths_are_not_logged(live: Live) -> None:
    with live() as service:
        for path in ("/health", "/ready", "/metrics"):
            service.get(path)
        assert finished(service).logged("request") == []


def test_polled_paths_are_logged_at_debug_level(live: Live) -> None:
    with live(log_level="debug") as service:
        service.get("/health")
        assert finished(service).logged("request")[0]["route"] == "/health"


def test_an_unexpected_error_is_logged_with_its_traceback_and_request_id(live: Live) -> None:
    with live() as service:
        response = service.get("/boom")
        (line,) = finished(service).logged("unexpected error")
        assert line["level"] == "error"
        assert "secret internals" in line["exception"]
        assert line["request_id"] == response.headers["x-request-id"]


def test_a_line_cannot_be_forged_by_a_path(live: Live) -> None:
    with live() as service:
        service.get('/%0a{"event":"request"}')
        (line,) = finished(service).logged("request")
        assert line["path"] == '/\n{"event":"request"}'


def test_keys_and_bodies_are_not_logged(live: Live) -> None:
    with live(api_keys="s3cret-key") as service:
        service.get("/plain?key=s3cret-key")
        finished(service)
        assert "s3cret-key" not in str(service.lines)


def test_a_port_in_use_is_reported(live: Live) -> None:
    with live() as service:
        second = live(port=service.port)
        with pytest.raises(NotListeningError), second:
            pass
        assert second.process.returncode == 3
        assert second.logged("cannot listen")[0]["port"] == service.port
