"""uvicorn's HTTP connection with bounds that uvicorn lacks.

It bounds the size of heads, trailers and chunk framing, the requests that wait on one connection,
the time that a connection spends in each state, and the number of connections. Invalid bytes are
answered in turn, after the requests before them.

A message must have one reading only. A request that asks to upgrade the connection is served as
HTTP/1.1, as RFC 9110 (section 7.8) allows; uvicorn would parse its body as the next request
(https://github.com/Kludex/uvicorn/issues/2722). Trailers never become headers.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from servicekit.connection.bounds import ConnectionBounds
from servicekit.connection.cycle import JoiningCycle
from servicekit.connection.head_timeout import HeadTimeout
from servicekit.connection.heads import (
    Target,
    is_well_formed,
    read_head,
    read_target,
    without_upgrade,
)
from servicekit.connection.lingering import LingeringTransport
from servicekit.connection.problem import (
    BAD_REQUEST,
    NO_PROXY,
    ConnectionProblem,
    headers_too_large,
    too_many_connections,
    trailers_too_large,
)
from servicekit.connection.reading import HeldFlow, Input
from servicekit.connection.sending import SendWatch

# After an early refusal (413, 401, 503) the rest of a body is read and dropped, so that a client
# that sends everything first still sees its answer. After so many bytes, the connection is closed.
MAX_DROPPED_BYTES: Final = 64 * 2**20

# Parsed requests of one connection that wait for those before them; further ones wait unread.
MAX_PIPELINED: Final = 4


def bounded_protocol(
    bounds: ConnectionBounds, *, on_refusal: Callable[[str], None]
) -> type[HttpToolsProtocol]:
    """Make the protocol class of a server: uvicorn takes a class, and passes it no settings.

    Args:
        bounds: The bounds.
        on_refusal: Called with the code of each problem that is answered, for metrics.
    """

    class BoundedProtocol(_BoundedProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
            super().__init__(bounds, on_refusal, *args, **kwargs)

    return BoundedProtocol


class _BoundedProtocol(HttpToolsProtocol):
    flow: HeldFlow
    transport: LingeringTransport

    def __init__(
        self,
        bounds: ConnectionBounds,
        on_refusal: Callable[[str], None],
        *args: Any,  # noqa: ANN401 - passed on
        **kwargs: Any,  # noqa: ANN401 - passed on
    ) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        self._on_refusal = on_refusal
        self._input = Input()
        self._feeding = False
        self._in_headers = True
        self._in_message = False
        self._upgrading = False
        self._head_bytes = 0
        self._framing_bytes = 0
        self._dropped_bytes = 0
        self._body_left: int | None = 0
        self._cycle_before: RequestResponseCycle
        self._problem: ConnectionProblem | None = None
        self._head_timeout: HeadTimeout
        self._send_watch: SendWatch

    # Called by the transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = LingeringTransport(
            transport, self.loop, expects_input=self._expects_input, on_linger=self._drop_input
        )
        self.flow = HeldFlow(transport)
        self._head_timeout = HeadTimeout(transport, self.loop, self._bounds.header_timeout_s)
        self._send_watch = SendWatch(
            transport,
            self.loop,
            timeout_s=self._bounds.send_timeout_s,
            on_abort=lambda: self._on_refusal("answer-not-read"),
        )
        if len(self.connections) > self._bounds.max_connections:
            self._send_problem(too_many_connections(self._bounds.max_connections))
            return
        self._head_timeout.start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timeout.stop()
        self._send_watch.stop()
        self.transport.stop()
        self._input.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self.transport.drop(data)
        elif self._problem is None:
            self._input.add(data)
            self._feed()

    def resume_writing(self) -> None:
        self._send_watch.note_progress()
        super().resume_writing()

    # Called by the parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._dropped_bytes = 0
        self._in_headers = self._in_message = True
        self._upgrading = False
        # Only now: empty lines between requests do not keep a connection open.
        self._unset_keepalive_if_required()

    def on_header(self, name: bytes, value: bytes) -> None:
        # After the body come trailers, which RFC 9110 (section 6.5) lets a server ignore.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        head = read_head(self.headers)
        size = len(self.url) + head.size
        if size > self._bounds.max_header_bytes:
            # An exception in a callback stops the parser; see `_parse`.
            self._head_bytes = size
            raise httptools.HttpParserError
        version = self.parser.get_http_version()
        if not is_well_formed(version, head):
            raise httptools.HttpParserError
        # An invalid target raises here, before it becomes a request.
        target = read_target(self.url)
        if self.parser.should_upgrade():
            self._upgrading = True
            return
        self._in_headers = False
        self._framing_bytes = 0
        self._body_left = head.body_length
        self._head_timeout.stop()
        self._unset_keepalive_if_required()
        self._cycle_before = self.cycle
        self._begin_request(version, target)

    def _begin_request(self, version: str, target: Target) -> None:
        """Give a request to the application, or let it wait for those before it.

        In place of uvicorn's `on_headers_complete`, which makes an answer of its own class.
        """
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = self.root_path + target.path
        self.scope["raw_path"] = self.root_path.encode("ascii") + target.raw_path
        self.scope["query_string"] = target.query
        before: RequestResponseCycle | None = self.cycle
        self.cycle = JoiningCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

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
        self._head_timeout.stop()
        super().on_message_complete()

    # Called by the application's answers

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if not self._is_answering:
            if self._problem is not None:
                self._send_problem(self._problem)
                return
            if self._in_message:
                self._head_timeout.start()
        if self._input or self.flow.held:
            self._feed()

    # Parsing

    @property
    def _is_answering(self) -> bool:
        """Whether a request is being worked on."""
        cycle: RequestResponseCycle | None = self.cycle
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    def _feed(self) -> None:
        """Parse the input as long as not too many requests wait."""
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
        if self.transport.is_closing():
            return
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
        limit = self._bounds.max_header_bytes
        self._framing_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self._serve_without_upgrade(data[error.args[0] :])
            return
        except httptools.HttpParserError:
            if self._head_bytes > limit:
                self._fail(headers_too_large(limit))
            else:
                self._fail(BAD_REQUEST)
            return
        if not self._in_message or self.transport.is_closing():
            return
        if self._in_headers:
            # Most heads arrive whole, and need no timer.
            if not self._head_timeout.is_running and not self._is_answering:
                self._head_timeout.start()
            # `on_headers_complete` sees a header when it ends; count one that does not end here.
            self._head_bytes += len(data)
            if self._head_bytes > limit:
                self._fail(headers_too_large(limit))
        elif self._body_left is None and self._framing_bytes > limit:
            self._fail(trailers_too_large(limit))

    def _serve_without_upgrade(self, rest: bytes) -> None:
        """Parse the head of a request that asks for an upgrade again, without that part."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._fail(NO_PROXY)
            return
        version = self.parser.get_http_version().encode()
        lines = [method + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in without_upgrade(self.headers)]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._input.put_back(rest)
        self._parse(b"\r\n".join([*lines, b"", b""]))

    # Refusing

    def _fail(self, problem: ConnectionProblem) -> None:
        """Answer invalid bytes, once the requests before them are answered."""
        self._problem = problem
        self._input.clear()
        self._head_timeout.stop()
        self.flow.hold()
        if self._in_message and not self._in_headers:
            self._withdraw()
        if not self._is_answering:
            self._send_problem(problem)

    def _withdraw(self) -> None:
        """Stop the work on a request whose body turns out to be invalid."""
        if self.pipeline:
            self.pipeline.popleft()
            # The last request that will be answered.
            self.cycle = self._cycle_before
            return
        if self.cycle.response_started:
            # It has (a part of) its answer; a second answer would belong to no request.
            self.transport.close()
        self.cycle.disconnected = self.cycle.response_complete = True
        self.cycle.message_event.set()

    def _send_problem(self, problem: ConnectionProblem) -> None:
        if self.transport.is_closing():
            return
        self._on_refusal(problem.code)
        self.transport.write(problem.encode())
        self.transport.close()

    # Closing

    def _expects_input(self) -> bool:
        in_body = self._in_message and not self._in_headers
        return bool(in_body or self._input or self.pipeline) or self._problem is not None

    def _drop_input(self) -> None:
        self._input.clear()
        self._head_timeout.stop()
        self.flow.release()
