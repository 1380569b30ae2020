"""Bodies that a well-behaved client library would not send, over raw connections."""

from collections.abc import Iterator

import example_service
import pytest
from servicekit.testing import LiveService, RawConnection

LIMIT = 1000
POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def service(live_environment: dict[str, str]) -> Iterator[LiveService]:
    settings = {"max_body_bytes": LIMIT, "request_timeout_s": 1}
    with LiveService([example_service.__file__], live_environment, settings) as service:
        service.wait_until_ready()
        yield service


@pytest.fixture
def connection(service: LiveService) -> Iterator[RawConnection]:
    with RawConnection(service) as connection:
        yield connection


def padded(size: int) -> bytes:
    return b'{"x": 1}'.ljust(size)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_a_body_of_the_largest_size_is_answered(connection: RawConnection) -> None:
    connection.send(POST + b"Content-Length: %d\r\n\r\n" % LIMIT + padded(LIMIT))
    assert connection.receive_response()[0] == 200


def test_a_body_whose_declared_length_is_too_large_is_413_before_it_is_sent(
    connection: RawConnection,
) -> None:
    connection.send(POST + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1))
    status, headers, body = connection.receive_response()
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert b"urn:problem-type:body-too-large" in body


def test_a_client_that_sends_everything_first_sees_its_413(connection: RawConnection) -> None:
    size = 10 * 2**20
    connection.send(POST + b"Content-Length: %d\r\n\r\n" % size + padded(size))
    assert connection.receive_response()[0] == 413


def test_the_connection_is_of_use_after_a_413(connection: RawConnection) -> None:
    connection.send(POST + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1) + padded(LIMIT + 1))
    assert connection.receive_response()[0] == 413
    connection.send(GET)
    assert connection.receive_response()[0] == 200


def test_a_client_is_not_asked_to_continue_with_a_body_that_is_too_large(
    connection: RawConnection,
) -> None:
    connection.send(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1))
    assert connection.receive_response()[0] == 413


def test_a_client_that_asks_may_continue_with_a_body_that_fits(connection: RawConnection) -> None:
    connection.send(POST + b"Expect: 100-continue\r\nContent-Length: 8\r\n\r\n")
    assert connection.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(b'{"x": 1}')
    assert connection.receive_response()[0] == 200


def test_a_chunked_body_that_fits_is_answered(connection: RawConnection) -> None:
    chunks = b"".join(chunk(bytes([byte])) for byte in b'{"x": 1}') + chunk(b"")
    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert connection.receive_response()[0] == 200


def test_a_chunked_body_is_413_once_it_is_too_large(connection: RawConnection) -> None:
    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(11):
        connection.send(chunk(b" " * 100))
    # It goes on, and is not waited for.
    assert connection.receive_response()[0] == 413


def test_an_endless_body_is_cut_off(connection: RawConnection) -> None:
    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    megabyte = chunk(b" " * 2**20)
    with pytest.raises(ConnectionError):
        connection.send(megabyte * 200)


def test_what_follows_a_content_length_below_the_body_is_400_and_the_end(
    connection: RawConnection,
) -> None:
    connection.send(POST + b"Content-Length: 8\r\n\r\n" + b'{"x": 1}' + b"}" * 5000)
    answers = connection.receive_until_closed()
    assert answers.count(b"HTTP/1.1 400 ") == 1


def test_a_content_length_above_the_body_is_408(connection: RawConnection) -> None:
    connection.send(POST + b"Content-Length: 900\r\n\r\n" + b'{"x": 1}')
    status, _, body = connection.receive_response()
    assert (status, b"urn:problem-type:body-timeout" in body) == (408, True)


def test_a_body_that_drips_is_408(connection: RawConnection) -> None:
    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"{"))
    assert connection.receive_response()[0] == 408


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"8, 9", b"99999999999999999999999"])
def test_a_content_length_that_is_not_a_number_is_400(
    connection: RawConnection, length: bytes
) -> None:
    connection.send(POST + b"Content-Length: " + length + b"\r\n\r\n")
    status, headers, _ = connection.receive_response()
    assert (status, headers["content-type"]) == (400, "application/problem+json")


def test_two_framings_at_once_are_400(connection: RawConnection) -> None:
    both = b"Content-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.send(POST + both + chunk(b'{"x": 1}') + chunk(b""))
    assert connection.receive_response()[0] == 400


def test_a_client_that_disconnects_while_it_sends_releases_its_request(
    service: LiveService,
) -> None:
    with RawConnection(service) as connection:
        connection.send(POST + b"Content-Length: 900\r\n\r\n{")
        service.wait_for_metric("http_requests_in_flight", 1)
    service.wait_for_metric("http_requests_in_flight", 0)
