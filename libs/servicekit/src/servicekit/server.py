"""One uvicorn worker that stops without losing a request."""

import asyncio
import contextlib
import gc
import os
import socket
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn
from fastapi import FastAPI

from servicekit.connection.bounds import ConnectionBounds
from servicekit.connection.protocol import bounded_protocol
from servicekit.lifecycle import Lifecycle
from servicekit.logs import configure_logging

if TYPE_CHECKING:
    from servicekit.runtime import Runtime
    from servicekit.settings import ServiceSettings

__all__ = ["serve"]

# Connections that were accepted and have not sent their first request when accepting ends.
FIRST_REQUEST_S = 1.0
POLL_S = 0.05
BACKLOG = 2048
CANNOT_LISTEN = 3


def serve(app: FastAPI) -> None:
    """Serve an application in this process until it is told to stop.

    A first SIGTERM or SIGINT makes ``/ready`` answer 503 at once. For DRAIN_S everything else is
    served as before, but connections are closed after their answers. Then nothing more is
    accepted, what was accepted is finished within SHUTDOWN_GRACE_S, and this returns. A second
    signal ends the process at once.

    Args:
        app: What `create_app` made. Its settings decide the address and every bound.

    Raises:
        SystemExit: With code 3, if the address cannot be listened on.
    """
    runtime: Runtime = app.state.runtime
    settings = runtime.settings
    writer = configure_logging(runtime.name, settings.log_level)
    runtime.metrics.watch(
        "log_lines_dropped", "Log lines that could not be written.", lambda: writer.dropped
    )
    runtime.when_proven = _keep_what_is_there
    try:
        _run(app, runtime, settings)
    finally:
        writer.close()
    if runtime.workers.busy:
        # Python would wait for these threads without end. Nobody waits for their results.
        os._exit(0)


def _keep_what_is_there() -> None:
    """Take libraries and model out of the garbage collector's sight; they stay to the end.

    A full collection looks at every object, a tenth of a second in which nothing is answered, and
    large bodies make it run often.
    """
    gc.collect()
    gc.freeze()


def _run(app: FastAPI, runtime: "Runtime", settings: "ServiceSettings") -> None:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=bounded_protocol(
            ConnectionBounds(
                max_header_bytes=settings.max_header_bytes,
                header_timeout_s=settings.header_timeout_s,
                send_timeout_s=settings.send_timeout_s,
                max_connections=settings.max_connections,
            ),
            on_refusal=runtime.metrics.count_refusal,
        ),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        workers=1,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_grace_s,
    )
    listener = _listen(settings.host, settings.port)
    DrainingServer(config, runtime.lifecycle, listener, drain_s=settings.drain_s).run()
    if runtime.workers.busy:
        log = structlog.stdlib.get_logger("servicekit.server")
        log.warning("leaving threads at work", threads=runtime.workers.busy)


class DrainingServer(uvicorn.Server):
    """A server whose first signal begins a drain, and whose second one ends it.

    Args:
        config: uvicorn's configuration.
        lifecycle: What is told to the application.
        listener: The listening socket.
        drain_s: How long to go on accepting after the first signal.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        lifecycle: Lifecycle,
        listener: socket.socket,
        *,
        drain_s: float,
    ) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._listener = listener
        self._drain_s = drain_s
        self._accept_until: float | None = None
        self._log = structlog.stdlib.get_logger("servicekit.server")

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on the listening socket until told to stop."""
        # The loop closes the socket that it is given; this one keeps the kernel's queue alive.
        super().run(sockets or [self._listener.dup()])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and say where."""
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        self._log.info("listening", host=host, port=port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal. This may run between any two bytecodes, so it only sets flags."""
        del frame
        if self._lifecycle.draining:
            os.write(2, b"second signal: ending at once\n")
            os._exit(128 + sig)
        self._lifecycle.draining = True

    async def on_tick(self, counter: int) -> bool:
        """Say whether to stop; asked ten times per second."""
        if self._lifecycle.draining:
            now = monotonic()
            if self._accept_until is None:
                self._accept_until = now + self._drain_s
                self._log.info("draining", seconds=self._drain_s)
            self.should_exit = now >= self._accept_until
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, without losing what has arrived; then finish as uvicorn does."""
        for server in self.servers:
            server.close()
        await self._take_backlog()
        await self._await_first_requests()
        self._lifecycle.stopping = True
        await super().shutdown(sockets)

    async def _take_backlog(self) -> None:
        """Accept the connections that the kernel has completed: closing would reset them."""
        arrived = []
        self._listener.setblocking(False)
        with contextlib.suppress(OSError):  # EAGAIN: there are no more
            while True:
                arrived.append(self._listener.accept()[0])
        self._listener.close()
        loop = asyncio.get_running_loop()
        for connection in arrived:
            await loop.connect_accepted_socket(self._protocol, connection)

    async def _await_first_requests(self) -> None:
        """Give fresh connections the time to send what they were opened for."""
        until = monotonic() + FIRST_REQUEST_S
        await asyncio.sleep(POLL_S)
        # uvicorn's connections announce nothing that could be awaited instead of polled.
        while monotonic() < until and any(  # noqa: ASYNC110
            getattr(connection, "cycle", None) is None
            for connection in self.server_state.connections
        ):
            await asyncio.sleep(POLL_S)

    def _protocol(self) -> asyncio.Protocol:
        kind = self.config.http_protocol_class
        return kind(  # type: ignore[call-arg] # asyncio.Protocol is all that uvicorn says of it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        log = structlog.stdlib.get_logger("servicekit.server")
        log.error("cannot listen", host=host, port=port, error=str(error))  # noqa: TRY400
        raise SystemExit(CANNOT_LISTEN) from None
