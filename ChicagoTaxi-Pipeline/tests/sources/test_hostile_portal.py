"""What `fetch` does with a portal that never ends, sends it elsewhere, or fills the disk."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from chicagotaxi.sources.download import fetch_days
from chicagotaxi.sources.portal import SodaClient
from servicekit.files import DataError, TryLaterError

DAY = date(2024, 5, 1)
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 100000000\r\n"


@contextmanager
def answering(begin: bytes, drip: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends the same to everybody, and then something again and again, slowly."""
    asked: list[bytes] = []
    ended = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(begin)
            while drip and not ended.wait(0.02):
                try:
                    connection.sendall(drip)
                except OSError:
                    return

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
    finally:
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def client(base: str) -> SodaClient:
    return SodaClient(base=base, tries=2, answer_s=0.5, pause_s=0, sleep=lambda _seconds: None)


@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        (HEADERS + b"\r\n", b"x"),
        (HEADERS, b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["a body", "headers", "continues", "chunks"],
)
def test_an_answer_that_never_ends_is_given_up_at_the_deadline(
    tmp_path: Path, begin: bytes, drip: bytes
) -> None:
    with (
        answering(begin, drip) as (base, asked),
        pytest.raises(TryLaterError, match=r"no usable answer in 2 tries"),
    ):
        fetch_days(client(base), DAY, DAY, tmp_path)

    assert len(asked) == 2
    assert [path.name for path in tmp_path.rglob("*") if path.suffix == ".csv"] == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "https://127.0.0.1"])
def test_a_redirect_to_another_protocol_is_refused(tmp_path: Path, target: str) -> None:
    begin = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(begin) as (base, asked), pytest.raises(DataError, match=r"(?i)redirect"):
        fetch_days(client(base), DAY, DAY, tmp_path)

    assert len(asked) == 1


def test_redirects_without_end_are_bounded(tmp_path: Path) -> None:
    begin = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    with answering(begin) as (base, asked), pytest.raises(DataError):
        fetch_days(client(base), DAY, DAY, tmp_path)

    assert len(asked) <= 22


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_free_space_is_checked_before_a_day_is_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**9, 10**9 - 1000, 1000))
    with (
        answering(b"") as (base, asked),
        pytest.raises(DataError, match=r"has 1,000 bytes free; a page of trips may have"),
    ):
        fetch_days(client(base), DAY, DAY, tmp_path)

    assert asked == []
