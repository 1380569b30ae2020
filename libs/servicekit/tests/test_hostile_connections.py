"""Hostile clients that send raw bytes on a real socket."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import example_service
import pytest
from servicekit.testing import LiveService, RawConnection, wait_until

Live = Callable[..., LiveService]

CHUNKED = b"Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
MEBIBYTE = 2**20

# What a service may need more while it is attacked; the attacks send many times as much.
SPARE_MEMORY = 32 * MEBIBYTE


@pytest.fixture(scope="module")
def service(live_environment: dict[str, str]) -> Iterator[LiveService]:
    with LiveService([example_service.__file__], live_environment, {"keep_alive_s": 2}) as service:
        service.wait_until_ready()
        yield service


@pytest.fixture
def connection(service: LiveService) -> Iterator[RawConnection]:
    with RawConnection(service) as connection:
        yield connection


def memory(service: LiveService) -> int:
    """The resident memory of a service's process, in bytes."""
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
    return pages * 4096


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def send_often(connection: RawConnection, data: bytes) -> None:
    for _ in range(64):
        connection.send(data)


@pytest.mark.parametrize("path", ["/health", "/plain", "/predict", "/nowhere"])
@pytest.mark.parametrize(
    "endless",
    [
        b"X-Trailer: " + b"a" * 100 + b"\r\n",
        b"a" * 1000,
    ],
    ids=["many", "one"],
)
def test_endless_trailers_are_refused_and_not_kept(
    service: LiveService, path: str, endless: bytes
) -> None:
    before = memory(service)
    with RawConnection(service) as connection:
        connection.send(f"POST {path} HTTP/1.1\r\n".encode() + CHUNKED + b'7\r\n{"x":1}\r\n0\r\n')
        # The service closes the connection: what is sent after that is not taken.
        with pytest.raises(ConnectionError):
            send_often(connection, endless * (MEBIBYTE // len(endless)))

    assert memory(service) - before < SPARE_MEMORY


def test_trailers_beyond_the_bound_are_431(connection: RawConnection) -> None:
    connection.send(b"POST /predict HTTP/1.1\r\n" + CHUNKED + b'7\r\n{"x":1}\r\n0\r\n')
    connection.send(b"X: " + b"a" * 20_000)

    status, headers, body = connection.receive_response()
    assert status == 431
    assert json.loads(body)["type"] == "urn:problem-type:trailers-too-large"
    assert json.loads(body)["request_id"] == headers["x-request-id"]


CLOSING = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000, 431),
        # While the service drains, every answer closes its connection.
        (CLOSING + b"Content-Length: 20000000\r\n\r\n", 413),
    ],
)
def test_a_client_that_is_still_sending_reads_why_it_was_refused(
    connection: RawConnection, head: bytes, status: int
) -> None:
    # Closing at once would reset the connection, and a reset can overtake the answer.
    connection.send(head)
    assert connection.receive_response()[0] == status
    for _ in range(20):
        connection.send(b"a" * 20_000)
        assert connection.receive() == b"", "the service sends no more, and does not reset"


def test_an_endless_chunk_extension_is_431(connection: RawConnection) -> None:
    connection.send(b"POST /predict HTTP/1.1\r\n" + CHUNKED + b"7;" + b"a" * 20_000)

    assert connection.receive_response()[0] == 431


def test_short_trailers_are_ignored(connection: RawConnection) -> None:
    request = b"POST /predict HTTP/1.1\r\n" + CHUNKED + b'7\r\n{"x":4}\r\n0\r\nX: y\r\n\r\n'
    for _ in range(2):
        connection.send(request)
        assert json.loads(connection.receive_response()[2]) == {"y": 8}


@pytest.mark.parametrize("where", ["header", "trailer"])
def test_a_key_in_a_trailer_is_ignored(live: Live, where: str) -> None:
    key = f"X-API-Key: {'k' * 32}\r\n".encode()
    head = b"POST /predict HTTP/1.1\r\n" + (key if where == "header" else b"") + CHUNKED
    tail = b"0\r\n" + (key if where == "trailer" else b"") + b"\r\n"
    with live(api_keys="k" * 32) as service, RawConnection(service) as connection:
        service.wait_until_ready()
        connection.send(head + b'7\r\n{"x":1}\r\n' + tail)

        assert connection.receive_response()[0] == (200 if where == "header" else 401)


def test_a_flood_of_pipelined_requests_is_not_read(service: LiveService) -> None:
    request = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
    before = memory(service)
    most = 0
    with RawConnection(service) as connection:
        received = 0
        begin = b"HTTP/1.1 200 OK"

        def drain() -> None:
            nonlocal received
            rest = b""
            with contextlib.suppress(OSError):
                while part := connection.receive():
                    # A part may end within the beginning of an answer.
                    part = rest + part
                    received += part.count(begin)
                    rest = part[-(len(begin) - 1) :]

        reader = threading.Thread(target=drain)
        reader.start()
        for _ in range(12):
            connection.send(request * 3_000)
            most = max(most, memory(service))
            assert service.get("/health").status_code == 200
        wait_until(lambda: received == 36_000, "all are answered")
        connection.shut()
        reader.join()

    assert most - before < SPARE_MEMORY


def test_pipelined_requests_of_a_client_that_reads_nothing_are_not_parsed(live: Live) -> None:
    flood = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n" * 32_768
    with live(send_timeout_s=1) as service, RawConnection(service) as connection:
        service.wait_until_ready()
        before = memory(service)
        with pytest.raises(ConnectionError):
            send_often(connection, flood)

        assert memory(service) - before < SPARE_MEMORY
        service.wait_for_metric('http_requests_refused_total{reason="answer-not-read"}', 1)


def test_pipelined_requests_with_large_bodies_are_all_answered(connection: RawConnection) -> None:
    def padded(x: int) -> bytes:
        return post("/predict", b'{"x": ' + b" " * 20_000 + str(x).encode() + b"}")

    connection.send(b"".join(padded(x) for x in range(1, 21)))

    answers: list[object] = []
    received = b""
    while len(answers) < 20:
        received += connection.receive()
        answers = [json.loads(part.split(b"\r\n\r\n")[1]) for part in split(received)]
    assert answers == [{"y": 2 * x} for x in range(1, 21)]


def split(answers: bytes) -> list[bytes]:
    """Complete answers of a few bytes each."""
    parts = answers.split(b"HTTP/1.1 200 OK")[1:]
    return [part for part in parts if part.rstrip().endswith(b"}")]


def test_invalid_bytes_after_a_request_are_answered_after_it(connection: RawConnection) -> None:
    connection.send(b"GET /sleep?s=0.2 HTTP/1.1\r\nHost: x\r\n\r\nNONSENSE\r\n\r\n")

    answers = connection.receive_until_closed()
    assert answers.startswith(b"HTTP/1.1 200 OK")
    assert answers.index(b'{"slept":0.2}') < answers.index(b"HTTP/1.1 400 Bad Request")


def test_headers_that_are_too_large_after_a_request_are_answered_after_it(
    connection: RawConnection,
) -> None:
    connection.send(b"GET /sleep?s=0.2 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nA: ")
    connection.send(b"a" * 20_000)

    answers = connection.receive_until_closed()
    assert answers.index(b'{"slept":0.2}') < answers.index(b"HTTP/1.1 431 ")


def test_a_broken_body_is_400_and_its_request_is_not_answered(connection: RawConnection) -> None:
    connection.send(b"POST /predict HTTP/1.1\r\n" + CHUNKED + b'7\r\n{"x":1}\r\nNONSENSE\r\n')

    answers = connection.receive_until_closed()
    assert answers.startswith(b"HTTP/1.1 400 Bad Request")
    assert answers.count(b"HTTP/1.1") == 1


def test_a_body_that_breaks_after_its_answer_gets_no_second_one(live: Live) -> None:
    with live(api_keys="k" * 32) as service, RawConnection(service) as connection:
        connection.send(b"POST /predict HTTP/1.1\r\n" + CHUNKED + b'7\r\n{"x":1}\r\n')
        assert connection.receive_response()[0] == 401
        connection.send(b"NONSENSE\r\n")

        assert connection.receive_until_closed() == b""


def test_protocol_errors_have_a_request_id_and_are_counted(service: LiveService) -> None:
    refused = 'http_requests_refused_total{reason="bad-request"}'
    before = service.metric(refused)
    with RawConnection(service) as connection:
        connection.send(b"NONSENSE\r\n\r\n")
        _, headers, body = connection.receive_response()

    assert json.loads(body)["request_id"] == headers["x-request-id"] != ""
    assert service.metric(refused) == before + 1


@pytest.mark.parametrize(
    "upgrade",
    [
        ("Connection: upgrade", "Upgrade: foo"),
        ("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAA"),
    ],
    ids=["foo", "websocket", "h2c"],
)
@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
def test_a_request_that_asks_for_an_upgrade_is_served_as_http_1_1(
    connection: RawConnection, upgrade: tuple[str, ...], whole: bool
) -> None:
    request = post("/predict", b'{"x": 21}', *upgrade)
    for part in [request] if whole else [bytes([byte]) for byte in request]:
        connection.send(part)
    assert json.loads(connection.receive_response()[2]) == {"y": 42}

    connection.send(b"GET /items/next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert json.loads(connection.receive_response()[2]) == {"item": "next"}


def test_the_body_of_a_request_that_asks_for_an_upgrade_is_not_read_as_a_request(
    connection: RawConnection,
) -> None:
    smuggled = b"GET /items/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    upgrade = ("Connection: upgrade", "Upgrade: foo")
    connection.send(post("/predict", smuggled, *upgrade))
    assert connection.receive_response()[0] == 422

    connection.send(b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answers = connection.receive_until_closed()
    assert b"smuggled" not in answers
    assert answers.count(b"HTTP/1.1 ") == 1


def test_a_chunked_body_with_an_upgrade_is_read(connection: RawConnection) -> None:
    head = b"POST /predict HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" + CHUNKED
    connection.send(head + b'8\r\n{"x": 5}\r\n0\r\n\r\n')

    assert json.loads(connection.receive_response()[2]) == {"y": 10}


def test_a_client_that_uses_the_server_as_a_proxy_is_400(connection: RawConnection) -> None:
    connection.send(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")

    assert connection.receive_response()[0] == 400


def test_empty_lines_do_not_keep_an_idle_connection_open(connection: RawConnection) -> None:
    connection.send(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n\r\n")
    assert connection.receive_response()[0] == 200
    closed = threading.Event()

    def nudge() -> None:
        with contextlib.suppress(OSError):
            while not closed.wait(0.2):
                connection.send(b"\r\n")

    nudging = threading.Thread(target=nudge)
    nudging.start()
    try:
        with contextlib.suppress(ConnectionResetError):
            assert connection.receive_until_closed() == b""
    finally:
        closed.set()
        nudging.join()


def test_an_answer_that_is_not_read_does_not_hold_the_process(live: Live) -> None:
    with (
        live(send_timeout_s=1, shutdown_grace_s=600) as service,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(20):
            connection = stack.enter_context(RawConnection(service))
            connection.send(b"GET /large?mebibytes=16 HTTP/1.1\r\nHost: x\r\n\r\n")
        service.wait_for_metric('http_requests_refused_total{reason="answer-not-read"}', 20)
        service.signal()
        assert service.wait() == 0


def test_an_answer_that_is_read_slowly_is_read_to_its_end(live: Live) -> None:
    with live(send_timeout_s=1) as service, RawConnection(service) as connection:
        connection.send(b"GET /large?mebibytes=24 HTTP/1.1\r\nHost: x\r\n\r\n")
        pause = threading.Event()
        received = 0
        while part := connection.receive():
            received += len(part)
            if received > 24 * MEBIBYTE:
                break
            pause.wait(0.005)

        assert received > 24 * MEBIBYTE


def test_connections_beyond_the_bound_are_503_and_closed(live: Live) -> None:
    with live(max_connections=5) as service, contextlib.ExitStack() as stack:
        connections = [stack.enter_context(RawConnection(service)) for _ in range(5)]
        for connection in connections:
            connection.send(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.receive_response()[0] == 200
        with RawConnection(service) as sixth:
            status, headers, body = sixth.receive_response()
            assert (status, headers["retry-after"]) == (503, "1")
            assert json.loads(body)["type"] == "urn:problem-type:too-many-connections"
            assert sixth.receive_until_closed() == b""
        connections[0].send(b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connections[0].receive_until_closed().startswith(b"HTTP/1.1 200 OK")

        def is_answered() -> bool:
            with RawConnection(service) as again, contextlib.suppress(OSError):
                again.send(b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return again.receive_until_closed().startswith(b"HTTP/1.1 200 OK")
            return False

        wait_until(is_answered, "the connection that ended makes room")
