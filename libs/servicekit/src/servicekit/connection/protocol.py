"""uvicorn's HTTP connection, with bounds that uvicorn leaves open.

Bounded here: the size of heads, trailers and chunk framing; requests that wait on one connection;
the time that a connection spends in each state; and the number of connections. What is wrong with
a connection's bytes is answered in turn, after the requests before it.

Two readings of one message are one too many: a request that asks to upgrade the connection is
served as HTTP/1.1, as RFC 9110 (section 7.8) allows (uvicorn would parse its body as the next
request, https://github.com/Kludex/uvicorn/issues/2722), and trailers never become headers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from servicekit.connection.bounds import ConnectionBounds
from servicekit.connection.problem import ConnectionProblem
from servicekit.connection.reading import HeldFlow, Input
from servicekit.connection.sending import SendWatch

__all__ = ["bounded_protocol"]

# After an early refusal (413, 401, 503) the rest of a body is read and dropped, so that a client
# that sends everything first still sees its answer. This much, and then the connection closes.
MAX_DROPPED_BYTES: Final = 64 * 2**20

# Requests of one connection that are parsed and wait for those before them; more wait unread.
MAX_PIPELINED: Final = 4


def bounded_protocol(
    bounds: ConnectionBounds, *, on_refusal: Callable[[str], None]
) -> type[HttpToolsProtocol]:
    """The protocol class of a server: uvicorn wants a class, and gives it no settings of ours.

    Args:
        bounds: The bounds.
        on_refusal: Called with the code of each problem that is answered, for metrics.
    """
    own = _Own(bounds, on_refusal)
    return type("BoundedProtocol", (_BoundedProtocol,), {"own": own})


@dataclass(frozen=True)
class _Own:
    """What all connections of a server share."""

    bounds: ConnectionBounds
    on_refusal: Callable[[str], None]


class _BoundedProtocol(HttpToolsProtocol):
    own: ClassVar[_Own]
    flow: HeldFlow

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(*args, **kwargs)
        self._input = Input()
        self._feeding = False
        self._in_headers = True
        self._in_message = False
        self._upgrading = False
        self._head_bytes = 0
        self._framing_bytes = 0
        self._dropped_bytes = 0
        self._body_left: int | None = 0
        self._problem: ConnectionProblem | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watch: SendWatch | None = None

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = HeldFlow(transport)
        self._watch = SendWatch(
            transport,
            self.loop,
            timeout_s=self.own.bounds.send_timeout_s,
            on_abort=lambda: self.own.on_refusal("answer-not-read"),
        )
        if len(self.connections) > self.own.bounds.max_connections:
            self._fail(
                ConnectionProblem(
                    503,
                    "Service Unavailable",
                    "too-many-connections",
                    f"The service has {self.own.bounds.max_connections} connections. Try again.",
                    headers=b"retry-after: 1\r\n",
                )
            )
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._watch is not None:
            self._watch.stop()
        self._input.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._problem is None:
            self._input.add(data)
            self._feed()

    def resume_writing(self) -> None:
        if self._watch is not None:
            self._watch.note_progress()
        super().resume_writing()

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._dropped_bytes = 0
        self._in_headers = self._in_message = True
        self._upgrading = False
        # Only now: empty lines between requests do not keep a connection open.
        self._unset_keepalive_if_required()
        if self._timer is None and not self._is_answering:
            self._arm()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind the body stand trailers, which RFC 9110 (section 6.5) lets a server ignore.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.own.bounds.max_header_bytes:
            # The parser stops at an exception of a callback; see `_parse`.
            self._head_bytes = size
            raise httptools.HttpParserError
        if not _is_well_formed(self.parser.get_http_version(), self.headers):
            raise httptools.HttpParserError
        # A target that is none raises here, before anything takes this for a request.
        self.url = _with_path(self.url)
        if self.parser.should_upgrade():
            self._upgrading = True
            return
        self._in_headers = False
        self._framing_bytes = 0
        self._body_left = _content_length(self.headers)
        self._disarm()
        self._unset_keepalive_if_required()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._framing_bytes = 0
        if self._body_left is not None:
            self._body_left -= len(body)
        if self.cycle.response_complete:
            self._dropped_bytes += len(body)
            if self._dropped_bytes > MAX_DROPPED_BYTES:
                self.transport.close()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        self._in_message = False
        self._in_headers = True
        self._disarm()
        super().on_message_complete()

    # What the application's answers call

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_answering:
            self._feed()
            return
        if self._problem is not None:
            self._send_problem(self._problem)
            return
        if self._in_message:
            self._arm()
        self._feed()

    # How input is parsed

    @property
    def _is_answering(self) -> bool:
        """Whether a request that has begun to be worked on is not answered yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    def _feed(self) -> None:
        """Parse what has arrived, as long as not too many requests wait."""
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._input and self._may_parse:
                in_body = self._in_message and not self._in_headers
                if in_body:
                    self._parse(self._input.take_body(self._body_left))
                else:
                    self._parse(self._input.take_head())
        finally:
            self._feeding = False
        if self._input or self._problem is not None:
            self.flow.hold()
        elif self.flow.held:
            self.flow.release()

    @property
    def _may_parse(self) -> bool:
        return (
            len(self.pipeline) < MAX_PIPELINED
            and self._problem is None
            and not self.transport.is_closing()
        )

    def _parse(self, data: bytes) -> None:
        limit = self.own.bounds.max_header_bytes
        self._framing_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self._serve_without_upgrade(data[error.args[0] :])
            return
        except httptools.HttpParserError:
            if self._head_bytes > limit:
                self._fail_headers()
            else:
                self._fail(
                    ConnectionProblem(
                        400, "Bad Request", "bad-request", "Invalid HTTP request received."
                    )
                )
            return
        if not self._in_message or self.transport.is_closing():
            return
        if self._in_headers:
            # A header's bytes are handed over when it ends; count those of one that does not end.
            self._head_bytes += len(data)
            if self._head_bytes > limit:
                self._fail_headers()
        elif self._body_left is None and self._framing_bytes > limit:
            self._fail(
                ConnectionProblem(
                    431,
                    "Request Header Fields Too Large",
                    "trailers-too-large",
                    f"Trailers and the framing of chunks may have {limit} bytes.",
                )
            )

    def _serve_without_upgrade(self, rest: bytes) -> None:
        """Parse the head of a request that asks for an upgrade again, as if it did not ask."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._fail(
                ConnectionProblem(400, "Bad Request", "bad-request", "This server is not a proxy.")
            )
            return
        version = self.parser.get_http_version().encode()
        lines = [method + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in _without_upgrade(self.headers)]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._input.put_back(rest)
        self._parse(b"\r\n".join([*lines, b"", b""]))

    # How a connection ends

    def _fail_headers(self) -> None:
        self._fail(
            ConnectionProblem(
                431,
                "Request Header Fields Too Large",
                "headers-too-large",
                f"The request line and headers may have {self.own.bounds.max_header_bytes} bytes.",
            )
        )

    def _fail(self, problem: ConnectionProblem) -> None:
        """Answer what is no request, once the requests before it are answered."""
        self._problem = problem
        self._input.clear()
        self._disarm()
        self.flow.hold()
        if self._in_message and not self._in_headers:
            self._withdraw()
        if not self._is_answering:
            self._send_problem(problem)

    def _withdraw(self) -> None:
        """Stop the work on a request whose body turns out to be wrong."""
        if self.pipeline:
            self.pipeline.popleft()
            return
        if self.cycle.response_started:
            # It has its answer, or a part of one; a second answer would belong to no request.
            self.transport.close()
        self.cycle.disconnected = self.cycle.response_complete = True
        self.cycle.message_event.set()

    def _send_problem(self, problem: ConnectionProblem) -> None:
        if self.transport.is_closing():
            return
        self.own.on_refusal(problem.code)
        self.transport.write(problem.encode())
        self.transport.close()

    def _arm(self) -> None:
        self._disarm()
        self._timer = self.loop.call_later(self.own.bounds.header_timeout_s, self._give_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def _is_well_formed(version: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a head has a version that is spoken here, and one host (RFC 9112, section 3.2)."""
    hosts = sum(name == b"host" for name, _ in headers)
    return hosts == 1 if version == "1.1" else version == "1.0" and hosts <= 1


def _with_path(target: bytes) -> bytes:
    """A request's target, with the path ``/`` where it names a host only (RFC 9110, 4.2.3).

    Raises:
        httptools.HttpParserInvalidURLError: It is none.
    """
    if httptools.parse_url(target).path:
        return target
    host, mark, query = target.partition(b"?")
    return host + b"/" + mark + query


def _content_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The length of a body; None where its chunks say it. The parser has checked both headers."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length


def _without_upgrade(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = []
    for name, value in headers:
        if name == b"connection":
            options = [one.strip() for one in value.split(b",")]
            value = b", ".join(one for one in options if one.lower() != b"upgrade")  # noqa: PLW2901
        if name != b"upgrade" and (value or name != b"connection"):
            kept.append((name, value))
    return kept
