"""Connections: headers, keep-alive, silence."""

from collections.abc import Iterator

import example_service
import pytest
from servicekit.testing import LiveService, RawConnection

GET = b"GET /plain HTTP/1.1\r\nHost: x\r\n"
MAX_HEADERS = 2048


@pytest.fixture(scope="module")
def service(live_environment: dict[str, str]) -> Iterator[LiveService]:
    settings = {"max_header_bytes": MAX_HEADERS, "header_timeout_s": 1, "keep_alive_s": 2}
    with LiveService([example_service.__file__], live_environment, settings) as service:
        yield service


@pytest.fixture
def connection(service: LiveService) -> Iterator[RawConnection]:
    with RawConnection(service) as connection:
        yield connection


def test_one_connection_serves_many_requests(connection: RawConnection) -> None:
    for _ in range(3):
        connection.send(GET + b"\r\n")
        assert connection.receive_response()[0] == 200


def test_a_client_may_close_the_connection(connection: RawConnection) -> None:
    connection.send(GET + b"Connection: close\r\n\r\n")
    assert connection.receive_response()[1]["connection"] == "close"
    assert connection.receive_until_closed() == b""


def test_an_idle_connection_is_closed(connection: RawConnection) -> None:
    connection.send(GET + b"\r\n")
    connection.receive_response()
    assert connection.receive_until_closed() == b""


def test_a_silent_connection_is_closed(connection: RawConnection) -> None:
    assert connection.receive_until_closed() == b""


def test_headers_that_do_not_end_are_not_waited_for(connection: RawConnection) -> None:
    connection.send(GET)
    assert connection.receive_until_closed() == b""


def test_headers_of_a_second_request_that_do_not_end_are_not_waited_for(
    connection: RawConnection,
) -> None:
    connection.send(GET + b"\r\n")
    connection.receive_response()
    connection.send(GET)
    assert connection.receive_until_closed() == b""


def test_headers_of_the_largest_size_are_answered(connection: RawConnection) -> None:
    connection.send(GET + b"A: " + b"a" * (MAX_HEADERS - 100) + b"\r\n\r\n")
    assert connection.receive_response()[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        b"A: " + b"a" * MAX_HEADERS + b"\r\n\r\n",
        b"A: b\r\n" * MAX_HEADERS + b"\r\n",
        b"A: " + b"a" * 10 * MAX_HEADERS,
        b"Content-Length: " + b"0" * 3 * MAX_HEADERS + b"\r\n\r\n",
    ],
    ids=["one", "many", "endless", "zeros"],
)
def test_headers_that_are_too_large_are_431(connection: RawConnection, headers: bytes) -> None:
    connection.send(GET + headers)
    status, answered, body = connection.receive_response()
    assert (status, answered["content-type"]) == (431, "application/problem+json")
    assert b"urn:problem-type:headers-too-large" in body


def test_a_request_line_that_is_too_large_is_431(connection: RawConnection) -> None:
    connection.send(b"GET /" + b"a" * MAX_HEADERS + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.receive_response()[0] == 431


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01", b"BREW / HTCPCP/1.0\r\n\r\n"])
def test_bytes_that_are_not_http_are_400(connection: RawConnection, garbage: bytes) -> None:
    connection.send(garbage)
    status, headers, _ = connection.receive_response()
    assert (status, headers["content-type"]) == (400, "application/problem+json")


def test_pipelined_requests_are_answered_in_order(connection: RawConnection) -> None:
    connection.send(
        b"GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /items/2 HTTP/1.1\r\nHost: x\r\n"
        b"Connection: close\r\n\r\n"
    )
    answers = connection.receive_until_closed()
    assert answers.index(b'{"item":"1"}') < answers.index(b'{"item":"2"}')


def test_an_answer_that_fails_half_way_is_cut_short(connection: RawConnection) -> None:
    connection.send(b"GET /broken_stream HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = connection.receive_until_closed()
    assert answer.endswith(b"begun\r\n"), "no end of the chunked body"
    assert b"secret" not in answer
