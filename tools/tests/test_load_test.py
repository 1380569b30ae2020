"""A load test ends with 0 only if every answer is right and every threshold holds."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from copies import ROOT
from locust_run import Locust

PROGRAM = ROOT / ".tools/load/bin/locust"
KEY = "a-key-that-nobody-may-see"
MIX = """
from load_user import LoadUser
from questions import Kind, Question, invalid, model_info, require_range


def check(answer):
    require_range(answer.body["y"], 0, 1, "y")
    return {"x": answer.body["y"]}


class OrdersUser(LoadUser):
    mix = [
        Kind("predict", 5, [Question("/predict", check, {"x": 1})]),
        Kind("lookup", 5, [Question("/lookup?x=1", check)]),
        Kind("model info", 1, [model_info()]),
        Kind("invalid", 2, [invalid("/predict", {})]),
    ]
"""
INFO = {
    "verdict": "proven",
    "sha256": "0" * 64,
    "manifest": {"name": "orders", "version": "1"},
    "refusal": None,
}
PROBLEM = {"type": "urn:problem-type:validation", "status": 422, "errors": [{"field": "x"}]}

Reply = Callable[[int], float | None]
"""The value that answers a question, by its number; None closes the connection."""


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The folder of a service."""
    folder = tmp_path / "Orders-Service"
    (folder / "load").mkdir(parents=True)
    (folder / "service.toml").write_text('package = "orders"\nport = 9001\n')
    (folder / "load/locustfile.py").write_text(MIX)
    return folder


class StandIn(ThreadingHTTPServer):
    """Imitates the service."""

    daemon_threads = True

    def __init__(self, reply: Reply, memory: Callable[[float], float], missing: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.memory = memory
        self.missing = missing
        self.began = time.time()
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Clients may vanish."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_GET(self) -> None:
        if self.path == "/metrics":
            size = self.server.memory(time.time() - self.server.began)
            self._send(200, f"process_start_time_seconds 1\nprocess_resident_memory_bytes {size}\n")
        elif self.headers.get("X-API-Key") != KEY:
            self._send(401, "{}")
        elif self.path == "/model_info":
            self._send(200, json.dumps(INFO))
        else:
            self._reply()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body:
            self._reply()
        else:
            self._send(422, json.dumps(PROBLEM), "application/problem+json")

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _reply(self) -> None:
        self.server.asked += 1
        value = self.server.reply(self.server.asked)
        if value is None:
            self.close_connection = True
        else:
            self._send(200, json.dumps({"y": value}))

    def _send(self, status: int, text: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode()[: len(text) - self.server.missing])
        self.close_connection |= bool(self.server.missing)


@contextmanager
def answering(
    reply: Reply = lambda _: 0.5,
    memory: Callable[[float], float] = lambda _: 1e8,
    missing: int = 0,
) -> Iterator[StandIn]:
    with StandIn(reply, memory, missing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def load_test(service: Path, url: str, *options: str, key: str = KEY) -> tuple[int, str]:
    """The exit code and the output of a short load test."""
    command: list[str | Path] = [sys.executable, ROOT / "bench/load/run.py", service]
    command += ["--locust", PROGRAM]
    command += ["--reports", service / "reports", "--host", url, "--users", "2", "--seconds", "3"]
    done = subprocess.run(
        [*command, *options],
        env={"LOAD_TEST_API_KEY": key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def summary(service: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((service / "reports/summary.json").read_text())
    return found


def test_right_answers_end_with_0_and_the_key_is_not_shown(service: Path) -> None:
    with answering() as server:
        code, output = load_test(service, server.url, "--max-p99-ms", "60000", "--min-rate", "0.1")

    assert code == 0, output
    found = summary(service)
    assert found["broken"] == found["examples"] == []
    assert found["requests"] == server.asked + sum(
        found["kinds"][kind]["requests"] for kind in ("model info", "invalid")
    )
    written = output + "".join(
        path.read_text(errors="replace") for path in (service / "reports").iterdir()
    )
    assert KEY not in written


def test_thresholds_that_cannot_hold_end_with_1(service: Path) -> None:
    with answering() as server:
        code, output = load_test(service, server.url, "--max-p99-ms", "0.01", "--min-rate", "1e9")

    assert code == 1
    assert "at most 0.01 ms: lower USERS, add pods, or raise P99_MS" in output
    assert "answers per second, at least 1e+09: raise USERS if the service is idle" in output


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (lambda number: 2.0 if number == 3 else 0.5, "y is not from 0 to 1"),
        (lambda number: 1 / number, "it differs from the first answer to the same question"),
        (lambda number: None if number % 5 == 3 else 0.5, "no answer: "),
    ],
    ids=["impossible", "changing", "none"],
)
def test_wrong_and_lost_answers_end_with_1(service: Path, reply: Reply, failure: str) -> None:
    with answering(reply) as server:
        code, output = load_test(service, server.url)

    assert code == 1
    assert failure in output
    assert "requests failed, share " in output
    assert "correct the service, lower USERS, or allow a share with MAX_FAILURES" in output


def test_no_lost_request_is_sent_again(service: Path) -> None:
    with answering(lambda number: None if number % 5 == 3 else 0.5) as server:
        load_test(service, server.url)

    found = summary(service)
    assert found["failures"] == (server.asked + 2) // 5
    asked = sum(found["kinds"][kind]["requests"] for kind in ("predict", "lookup"))
    assert asked == server.asked


def test_an_allowed_share_of_failures_ends_with_0(service: Path) -> None:
    with answering(lambda number: 2.0 if number % 5 == 3 else 0.5) as server:
        code, output = load_test(service, server.url, "--max-failures", "0.5")

    assert code == 0, output
    assert summary(service)["failures"] > 0


def test_a_server_that_dies_meanwhile_ends_with_1(service: Path) -> None:
    def die(number: int) -> float | None:
        if number == 10:
            server.socket.close()
        return 0.5 if number < 10 else None

    with StandIn(die, lambda _: 1e8) as server:
        threading.Thread(target=_until_closed, args=(server,), daemon=True).start()
        code, output = load_test(service, server.url)

    assert code == 1
    assert "no answer: ConnectionRefusedError" in output


def _until_closed(server: StandIn) -> None:
    try:
        server.serve_forever(0.01)
    except (OSError, ValueError):
        return


def test_there_is_no_service_to_test(service: Path) -> None:
    with answering() as server:
        assert load_test(service, server.url, key="another") == (
            2,
            f"{server.url} refuses the key: set LOAD_TEST_API_KEY to one of its API_KEYS\n",
        )
        address = server.url.removeprefix("http://")
        assert load_test(service, address) == (
            2,
            f"HOST={address} is not an address: write HOST=http://127.0.0.1:9001\n",
        )
        (service / "service.toml").write_text('package = "trips"\nport = 9001\n')
        assert load_test(service, server.url) == (
            2,
            f"{server.url} serves orders, not trips: correct HOST\n",
        )
    code, output = load_test(service, server.url)
    assert code == 2
    assert output.startswith(f"No service answers at {server.url} (")
    assert "start it with `make up`, forward a port with `kubectl port-forward" in output


@contextmanager
def _sending(data: bytes) -> Iterator[str]:
    """An address that sends bytes on every connection."""

    class Sender(StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(data)

    with ThreadingTCPServer(("127.0.0.1", 0), Sender) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0-OpenSSH_9.6"),
        (b"HTTP/1.0 200 OK\r\n\r\n[1]", "its /model_info is not that of a service"),
        (b'HTTP/1.0 200 OK\r\n\r\n{"name": "x"}', "its /model_info is not that of a service"),
    ],
    ids=["no HTTP", "a list", "another service"],
)
def test_an_address_of_another_program_ends_with_2(service: Path, data: bytes, reason: str) -> None:
    with _sending(data) as url:
        code, output = load_test(service, url)

    assert code == 2
    assert output.startswith(f"No service answers at {url} ({reason}")
    assert "Traceback" not in output


@pytest.mark.parametrize("host", ["http://127.0.0.1:x", "http://127.0.0.1 8001"])
def test_an_address_that_is_malformed_ends_with_2(service: Path, host: str) -> None:
    code, output = load_test(service, host)

    assert code == 2
    assert output.startswith(f"No service answers at {host} (")


def test_a_key_that_no_header_may_have_is_refused_and_not_shown(service: Path) -> None:
    with answering() as server:
        code, output = load_test(service, server.url, key=f"{KEY}\r")

    assert code == 2
    assert output == "LOAD_TEST_API_KEY has a character that no header may have: correct the key\n"


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (("--max-failures", "few"), "invalid float value: 'few'"),
        (("--users", "0"), "'0' is not a whole number of at least 1"),
        (("--seconds", "0"), "'0' is not a positive number"),
        (("--seconds", "nan"), "'nan' is not a positive number"),
    ],
)
def test_an_option_that_is_no_number_is_refused_before_the_test(
    service: Path, option: tuple[str, str], problem: str
) -> None:
    code, output = load_test(service, "http://127.0.0.1:9", *option)

    assert code == 2
    assert problem in output


@pytest.mark.parametrize(
    ("memory", "code", "message"),
    [
        (lambda _: 1e8, 0, "MiB at the end, +0.00%"),
        (lambda passed: 1e8 * (1 + passed), 1, "look for what keeps objects"),
    ],
    ids=["steady", "growing"],
)
def test_memory_that_grows_ends_with_1(
    service: Path, memory: Callable[[float], float], code: int, message: str
) -> None:
    with answering(memory=memory) as server:
        found = load_test(service, server.url, "--max-growth", "0.03")

    assert found[0] == code, found[1]
    assert message in found[1]


def _always(value: float) -> Reply:
    return lambda _: value


def test_with_sealed_models_an_answer_must_be_that_of_one_of_them(
    service: Path, tmp_path: Path
) -> None:
    for name, value in (("first", 0.25), ("second", 0.75)):
        with answering(_always(value)) as server:
            locust = Locust(PROGRAM, service, server.url, KEY, tmp_path)
            record = ["--record", str(tmp_path / f"{name}.answers.json")]
            assert locust.run("recording", users=1, seconds=60, options=record)[0] == 0
        (tmp_path / f"{name}.answers.json").rename(tmp_path / f"{name}.json")
    models = [f"--sealed-answers={tmp_path / name}.json" for name in ("first", "second")]

    with answering(lambda number: 0.25 if number % 2 else 0.75) as server:
        locust = Locust(PROGRAM, service, server.url, KEY, tmp_path)
        code, right = locust.run("both", users=2, seconds=3, options=models)
    with answering(lambda number: 0.5 if number % 5 == 3 else 0.25) as server:
        locust = Locust(PROGRAM, service, server.url, KEY, tmp_path)
        failed, wrong = locust.run("neither", users=2, seconds=3, options=models)

    assert code == 0, right
    assert min(right["by_model"]["first"], right["by_model"]["second"]) > 0
    assert failed == 1
    [example] = wrong["examples"]
    assert example["failure"] == "it is the answer of none of the sealed models"


@pytest.mark.parametrize("missing", [0, 1], ids=["whole", "cut"])
def test_slow_clients_must_get_whole_answers(service: Path, tmp_path: Path, missing: int) -> None:
    # Without half-open connections, which this server does not close.
    options = ["--hostile", "OrdersUser", "SlowSender", "SlowReader", "Gone"]
    with answering(missing=missing) as server:
        locust = Locust(PROGRAM, service, server.url, KEY, tmp_path)
        code, found = locust.run("slow", users=8, seconds=3, options=options)

    assert found["kinds"]["slow sender"]["requests"] > 0
    assert found["kinds"]["slow reader"]["requests"] > 0
    assert code == missing
    failures = [one["failure"].partition(":")[0] for one in found["examples"]]
    assert ("no complete answer" in failures) == bool(missing)
