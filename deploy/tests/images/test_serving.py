"""How an image runs: hardened, as a pod runs it."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx2
import pytest

from images.conftest import reseal
from images.containers import Container, wait_until
from images.pods import KEY, ask, serving
from images.services import Model, Service

# The first test of a service trains its model, on a machine that may be busy.
pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]


@pytest.fixture
def served(service: Service, model: Model) -> Iterator[Container]:
    with serving(service, model) as container:
        container.wait_for("/ready", 200)
        yield container


def test_it_answers_without_any_rights(service: Service, served: Container) -> None:
    for request in service.requests():
        assert ask(served.client, request).status_code == request.get("status", 200), request

    assert served.status("/health") == 200
    assert "model_ready 1.0" in served.client.get("/metrics").text
    status = dict(
        line.split(":\t", 1)
        for line in served.inside("print(open('/proc/1/status').read())").splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == ["10001"] * 4
    assert status["CapEff"] == status["CapBnd"] == "0" * 16
    assert status["NoNewPrivs"] == "1"
    # The service is the first process: who signals the container, signals it.
    assert served.inside("print(open('/proc/1/cmdline').read().split(chr(0))[1:4])") == str(
        ["-m", service.package, "serve"]
    )


def test_who_has_no_key_gets_no_answer(service: Service, served: Container) -> None:
    request = service.requests()[0]

    without = httpx2.request(
        request["method"],
        f"http://127.0.0.1:{served.port}{request['path']}",
        json=request.get("body"),
    )
    assert without.status_code == 401


def test_sigterm_drains_finishes_what_was_begun_and_ends_with_0(
    service: Service, served: Container
) -> None:
    with Begun(service, served) as connection:
        served.signal(signal.SIGTERM)
        wait_until(lambda: served.status("/ready") == 503, "it says that it drains")
        assert connection.finish() == 200

    assert served.exit_code() == 0


def test_killing_it_during_a_request_loses_that_request_and_nothing_else(
    service: Service, model: Model
) -> None:
    with serving(service, model) as killed:
        killed.wait_for("/ready", 200)
        with Begun(service, killed) as connection:
            killed.signal(signal.SIGKILL)
            assert connection.finish() is None
        assert killed.exit_code() == 137

    # The model is as it was: the next one is ready, and answers.
    with serving(service, model) as restarted:
        restarted.wait_for("/ready", 200)
        assert ask(restarted.client, service.requests()[0]).status_code == 200


def refusal(container: Container, code: str) -> str:
    """The log of a service that refuses its model and lives; only the log has the reason."""
    container.wait_for("/health", 200)
    wait_until(
        lambda: "model_refusals_total{" in container.client.get("/metrics").text,
        "the model is refused",
    )
    answer = container.client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["refusal"] == code
    return container.logs()


def damage(folder: Path) -> None:
    """Change one byte of the largest file of a model."""
    files = [path for path in folder.iterdir() if path.name != "manifest.json"]
    path = max(files, key=lambda file: file.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_tampered_model_is_not_ready_and_predicts_nothing(
    service: Service, changed: Callable[[Callable[[Path], None]], Model]
) -> None:
    with serving(service, changed(damage)) as container:
        assert "SHA-256" in refusal(container, "file-digest")
        answer = ask(container.client, service.requests()[0])

        assert answer.status_code == 503
        assert answer.json()["type"].endswith("model-not-ready")
        assert container.running()


def test_another_model_than_the_deployment_names_is_not_ready(
    service: Service, model: Model
) -> None:
    with serving(service, model, MODEL_SHA256="0" * 64) as container:
        assert "the deployment expects" in refusal(container, "manifest-digest")


def wrong_golden(folder: Path) -> None:
    """Have the manifest promise numbers that the model does not give."""
    document = json.loads((folder / "manifest.json").read_bytes())
    outputs = document["golden"]["outputs"]
    moved = {name: [shifted(value) for value in values] for name, values in outputs.items()}
    assert moved != outputs
    document["golden"]["outputs"] = moved
    reseal(folder, document)


def shifted(value: object) -> object:
    """A number half a unit further, also within a list; anything else as it is."""
    if isinstance(value, list):
        return [shifted(part) for part in value]
    return value + 0.5 if isinstance(value, float) else value


def test_a_model_with_the_right_digest_that_answers_otherwise_is_not_ready(
    service: Service, changed: Callable[[Callable[[Path], None]], Model]
) -> None:
    with serving(service, changed(wrong_golden)) as container:
        log = refusal(container, "golden")
        assert "does not answer what it answered when it was sealed" in log


class Begun:
    """A request whose last byte has not been sent: the service waits for it."""

    def __init__(self, service: Service, container: Container) -> None:
        requests = service.requests()
        request = next((one for one in requests if "body" in one), requests[0])
        body = json.dumps(request["body"]).encode() if "body" in request else b""
        head = (
            f"{request['method']} {request['path']} HTTP/1.1\r\nHost: service\r\n"
            f"X-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        whole = head.encode() + body
        self._last = whole[-1:]
        self._socket = socket.create_connection(("127.0.0.1", container.port), timeout=30)
        self._socket.sendall(whole[:-1])
        if body:
            wait_until(
                lambda: "http_requests_in_flight 1.0" in container.client.get("/metrics").text,
                "the request is in flight",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def finish(self) -> int | None:
        """Send the rest: the status of the answer; None if the connection is lost."""
        try:
            self._socket.sendall(self._last)
            answer = self._socket.recv(4096)
        except ConnectionError:
            return None
        return int(answer.split(b" ", 2)[1]) if answer else None
