"""Against real servers on loopback, most of which misbehave."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import httpx2
import pytest
from pinproof.audit.concurrent_map import concurrent_map
from pinproof.audit.http_client import Client, NotFoundError, WebError, check_address, next_request
from servers import Asked, Reply, serving

QUICK = Client(silence_s=5, deadline_s=5, largest=1000, attempts=3, pause_s=0)
IMPATIENT = Client(silence_s=5, deadline_s=0.2, attempts=1)


@contextmanager
def raw_server(*pieces: bytes) -> Iterator[str]:
    """Send the pieces, then the last one again and again, until the client has gone."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                while pieces[-1] and not stopped.wait(0.01):
                    connection.sendall(pieces[-1])
                stopped.wait(10)
            except OSError:
                return

    stopped = threading.Event()
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        stopped.set()
        thread.join()
        listener.close()


def test_an_answer_has_its_kind_and_its_body() -> None:
    with serving(lambda _: Reply(b"{}", "Application/JSON; charset=utf-8")) as url:
        answer = QUICK.get(f"{url}/a")

    assert (answer.url, answer.kind, answer.body) == (f"{url}/a", "application/json", b"{}")


def test_a_question_is_sent_as_json() -> None:
    with serving(lambda asked: Reply(asked.method.encode() + asked.body)) as url:
        assert QUICK.post(url, {"a": [1]}).body == b'POST{"a": [1]}'


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_transient_failure_is_retried_and_then_reported(status: int) -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        return Reply(b"busy", "text/plain", status)

    with serving(answer) as url, pytest.raises(WebError, match=f"gives no answer: {status} "):
        QUICK.get(url)

    assert len(asked) == 3


def test_a_transient_failure_is_retried() -> None:
    replies = iter([Reply(status=503), Reply(b"fine")])

    with serving(lambda _: next(replies)) as url:
        assert QUICK.get(url).body == b"fine"


@pytest.mark.parametrize(("status", "error"), [(404, NotFoundError), (410, NotFoundError),
                                               (401, WebError), (400, WebError)])  # fmt: skip
def test_a_refusal_is_not_asked_again(status: int, error: type[WebError]) -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        return Reply(status=status)

    with serving(answer) as url, pytest.raises(error) as caught:
        QUICK.get(url)

    assert type(caught.value) is error
    assert len(asked) == 1


def test_a_redirect_is_followed_without_the_password() -> None:
    seen = []

    def answer(asked: Asked) -> Reply:
        seen.append((asked.path, asked.headers.get("Authorization")))
        moved = asked.path == "/a"
        return Reply(status=302, headers={"Location": "/b"}) if moved else Reply(b"here")

    with serving(answer) as url:
        answered = QUICK.get(url.replace("//", "//me:p%40ss@") + "/a")

    assert answered.body == b"here"
    assert "p%40ss" not in answered.url
    assert seen == [("/a", f"Basic {b64encode(b'me:p@ss').decode()}"), ("/b", None)]


def test_redirects_in_a_circle_end() -> None:
    with (
        serving(lambda _: Reply(status=302, headers={"Location": "/"})) as url,
        pytest.raises(WebError, match="answers 302 "),
    ):
        QUICK.get(url)


@pytest.mark.parametrize("target", ["http://example.org/", "file:///etc/passwd", "ftp://x/"])
def test_a_redirect_away_from_https_is_refused(target: str) -> None:
    request = httpx2.Request("GET", "https://example.org/")
    response = httpx2.Response(302, headers={"Location": target}, request=request)
    response.next_request = httpx2.Request("GET", target)

    with pytest.raises(WebError, match="redirects away from https"):
        next_request(response)


def test_a_redirect_to_a_file_is_refused() -> None:
    with (
        serving(lambda _: Reply(status=302, headers={"Location": "file:///etc/passwd"})) as url,
        pytest.raises(WebError),
    ):
        QUICK.get(url)


@pytest.mark.parametrize("announced", [True, False])
def test_a_huge_answer_is_not_read_to_its_end(announced: bool) -> None:
    length = b"Content-Length: 1000000000000\r\n" if announced else b""
    head = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n"

    with raw_server(head, b"x" * 4096) as url, pytest.raises(WebError, match="more than 1000 byt"):
        QUICK.get(url)


def test_an_answer_that_ends_early_is_refused() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"vulns": []}')
        handler.close_connection = True

    with serving(lambda _: answer) as url, pytest.raises(WebError, match="complete message body"):
        QUICK.get(url)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"",),
    ],
    ids=["body", "header", "silence"],
)
def test_an_answer_that_takes_forever_is_cut_at_the_deadline(pieces: tuple[bytes, ...]) -> None:
    with (
        raw_server(*pieces) as url,
        pytest.raises(WebError, match="no complete answer within"),
    ):
        IMPATIENT.get(url)


def test_silence_ends_it_before_the_deadline() -> None:
    with raw_server(b"") as url, pytest.raises(WebError, match="sends nothing for too long"):
        Client(silence_s=0.1, deadline_s=60, attempts=1).get(url)


def test_an_unreachable_server_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(WebError, match=r"gives no answer: .*refused"):
        QUICK.get(f"http://127.0.0.1:{port}/")


def test_an_answer_that_is_not_http_is_an_error() -> None:
    with raw_server(b"SSH-2.0-OpenSSH_9.2\r\n", b"") as url, pytest.raises(WebError):
        Client(deadline_s=2, attempts=1).get(url)


@pytest.mark.parametrize(
    "address",
    ["", "pypi.org", "file:///etc/passwd", "ftp://example.org/", "https://", "http://[", "https:/x",
     "https://example.org:99999999/", "https://example.org/a b", "https://example.org/\n",
     "https://exämple.org/"],
)  # fmt: skip
def test_an_invalid_server_address_is_refused(address: str) -> None:
    with pytest.raises(WebError, match="is not the address of an HTTP server"):
        check_address(address)


def test_no_password_is_in_a_message() -> None:
    with pytest.raises(WebError) as caught:
        check_address("ftp://me:secret@example.org/")

    assert "secret" not in str(caught.value)


def test_each_key_is_requested_once_and_failures_are_reported_together() -> None:
    def ask(number: int) -> int:
        if number % 2:
            raise WebError(f"{number} is odd.", remedy="Double it.")
        return number * 10

    seen: list[tuple[str, int, int]] = []

    assert concurrent_map(ask, [2, 4, 2], what="tens", progress=lambda *now: seen.append(now)) == {
        2: 20,
        4: 40,
    }
    assert seen == [("tens", 1, 2), ("tens", 2, 2)]
    with pytest.raises(WebError) as caught:
        concurrent_map(ask, range(30))
    lines = str(caught.value).splitlines()
    assert lines[0] == "1 is odd."
    assert lines[-1] == "And 5 more. Double it."
