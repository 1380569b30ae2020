"""An answer that is sent at once has the bytes that uvicorn would have sent in two parts."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from servicekit.connection.cycle import MAX_JOINED_BYTES, JoiningCycle
from servicekit.connection.reading import HeldFlow
from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

Headers = list[tuple[bytes, bytes]]


class RecordingTransport(asyncio.Transport):
    """Keeps what is sent, a part for each call."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.parts.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclass
class Sent:
    """What came of an answer.

    Attributes:
        parts: What was sent, a part for each call of the transport.
        closed: Whether the connection was closed.
        ended: Whether the answer counts as complete.
        kept: Whether the connection stays open.
        error: The error that was raised.
    """

    parts: list[bytes] = field(default_factory=list)
    closed: bool = False
    ended: bool = False
    kept: bool = True
    error: str = ""

    @property
    def bytes(self) -> bytes:
        return b"".join(self.parts)


def make_cycle(
    kind: type[RequestResponseCycle],
    transport: RecordingTransport,
    *,
    on_response: Callable[[], None],
    method: str = "GET",
    keep_alive: bool = True,
) -> RequestResponseCycle:
    log = logging.getLogger("test")
    return kind(
        scope={"method": method},  # type: ignore[typeddict-item] # all that is read
        transport=transport,
        flow=HeldFlow(transport),
        logger=log,
        access_logger=log,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=on_response,
    )


def send(
    kind: type[RequestResponseCycle],
    messages: Sequence[Mapping[str, Any]],
    *,
    disconnected: bool = False,
    method: str = "GET",
    keep_alive: bool = True,
) -> Sent:
    """Send the messages of an application, with uvicorn's answer or ours."""
    transport = RecordingTransport()
    found = Sent()

    def end() -> None:
        found.ended = True

    async def scenario() -> None:
        cycle = make_cycle(kind, transport, on_response=end, method=method, keep_alive=keep_alive)
        cycle.disconnected = disconnected
        try:
            for message in messages:
                await cycle.send(dict(message))  # type: ignore[arg-type]
        except (RuntimeError, ValueError) as error:
            found.error = str(error)
        assert cycle.response_complete == found.ended
        found.kept = cycle.keep_alive

    asyncio.run(scenario())
    found.parts, found.closed = transport.parts, transport.closed
    return found


def answer(
    body: bytes, headers: Headers, status: int = 200, *, more: bool = False
) -> list[Message]:
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body, "more_body": more},
    ]


def length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


def test_a_small_answer_is_one_part() -> None:
    sent = send(JoiningCycle, answer(b"{}", [length(b"{}")]))
    assert sent.parts == [b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\n{}"]


def test_a_large_body_is_not_copied() -> None:
    body = b"x" * (MAX_JOINED_BYTES + 1)
    assert send(JoiningCycle, answer(body, [length(body)])).parts[1] == body


def test_nothing_is_sent_of_an_answer_without_a_body_yet() -> None:
    start, _ = answer(b"", [])
    assert send(JoiningCycle, [start]).parts == []


def test_an_answer_in_parts_begins_with_its_first_part() -> None:
    sent = send(JoiningCycle, answer(b"one", [], more=True))
    assert sent.bytes.endswith(b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n")
    assert not sent.ended


_bytes = st.binary(max_size=6)
_names = st.sampled_from(
    [
        b"content-type",
        b"connection",
        b"transfer-encoding",
        b"X-Upper",
        b"a b",
        b"a\n",
        b"content-length",
    ]
)
_values = st.one_of(_bytes, st.sampled_from([b"close", b"chunked", b"keep-alive", b"3", b"a\tb"]))


# One answer that is joined, and the same with each of the things that leave it to uvicorn.
_JOINED: dict[str, Any] = {
    "body": b"{}",
    "others": [],
    "states_length": True,
    "status": 200,
    "method": "GET",
    "keep_alive": True,
    "more": False,
    "second": "none",
}


@given(
    body=_bytes,
    others=st.lists(st.tuples(_names, _values), max_size=3),
    states_length=st.booleans(),
    status=st.sampled_from([200, 204, 304, 404, 500]),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    keep_alive=st.booleans(),
    more=st.booleans(),
    second=st.sampled_from(["start", "body", "none"]),
)
@example(**_JOINED)
@example(**_JOINED | {"keep_alive": False})
@example(**_JOINED | {"method": "HEAD"})
@example(**_JOINED | {"more": True})
@example(**_JOINED | {"second": "start"})
@example(**_JOINED | {"states_length": False})
@example(**_JOINED | {"others": [(b"content-length", b"3")]})
@example(**_JOINED | {"others": [(b"connection", b"close")]})
@example(**_JOINED | {"others": [(b"transfer-encoding", b"chunked")]})
@example(**_JOINED | {"others": [(b"X-Upper", b"a")]})
@example(**_JOINED | {"others": [(b"a b", b"a")]})
@example(**_JOINED | {"others": [(b"a", b"a\nb")]})
def test_any_answer_has_the_bytes_and_the_end_of_uvicorns(
    *,
    body: bytes,
    others: Headers,
    states_length: bool,
    status: int,
    method: str,
    keep_alive: bool,
    more: bool,
    second: str,
) -> None:
    headers = [*others, length(body)] if states_length else others
    start, rest = answer(body, headers, status, more=more)
    messages = {"start": [start, start], "body": [start, rest, rest], "none": [start, rest]}[second]
    joined = send(JoiningCycle, messages, method=method, keep_alive=keep_alive)
    apart = send(RequestResponseCycle, messages, method=method, keep_alive=keep_alive)
    assert (joined.bytes, joined.error) == (apart.bytes, apart.error)
    assert (joined.closed, joined.ended, joined.kept) == (apart.closed, apart.ended, apart.kept)


@pytest.mark.parametrize("header", [(b"x", b"a\r\nset-cookie: b"), (b"x\r\ny", b"a")])
def test_a_header_cannot_add_a_line(header: tuple[bytes, bytes]) -> None:
    sent = send(JoiningCycle, answer(b"{}", [length(b"{}"), header]))
    assert sent.bytes == b""
    assert sent.error.startswith("Invalid HTTP header")


def test_a_client_that_has_gone_gets_nothing() -> None:
    sent = send(JoiningCycle, answer(b"{}", [length(b"{}")]), disconnected=True)
    assert (sent.parts, sent.ended) == ([], False)


def test_an_answer_waits_for_a_client_that_does_not_read() -> None:
    async def scenario() -> None:
        transport = RecordingTransport()
        cycle = make_cycle(JoiningCycle, transport, on_response=lambda: None)
        cycle.flow.pause_writing()
        start, rest = answer(b"{}", [length(b"{}")])
        await cycle.send(start)  # type: ignore[arg-type]
        sending = asyncio.ensure_future(cycle.send(rest))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert transport.parts == []
        cycle.flow.resume_writing()
        await sending
        assert b"".join(transport.parts).endswith(b"\r\n\r\n{}")

    asyncio.run(scenario())
