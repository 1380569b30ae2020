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

# Time for accepted connections to send their first request when accepting ends.
FIRST_REQUEST_S = 1.0
POLL_S = 0.05
BACKLOG = 2048
CANNOT_LISTEN = 3


def serve(app: FastAPI) -> None:
    """Serve an application in this process until it gets SIGTERM or SIGINT.

    The first signal makes ``/ready`` answer 503 at once. For DRAIN_S everything else is served as
    before, but connections are closed after their answers. Then no more connections are accepted,
    accepted requests are finished within SHUTDOWN_GRACE_S, and this returns. A second signal ends
    the process at once.

    Args:
        app: An application of `create_app`. Its settings have the address and every bound.

    Raises:
        SystemExit: With code 3, if the address cannot be listened on.
    """
    runtime: Runtime = app.state.runtime
    settings = runtime.settings
    writer = configure_logging(runtime.name, settings.log_level)
    runtime.metrics.watch(
        "log_lines_dropped", "Log lines that could not be written.", lambda: writer.dropped
    )
    runtime.on_model_ready = _freeze_objects
    try:
        _run(app, runtime, settings)
    finally:
        writer.close()
    if runtime.workers.busy:
        # Python would wait for these threads without a limit, and their results are not needed.
        os._exit(0)


def _freeze_objects() -> None:
    """Exclude libraries and model from garbage collection: they live until the process ends.

    A full collection visits every object, which takes a tenth of a second in which nothing is
    answered, and large bodies trigger it often.
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
    """A server that drains at the first signal, and ends at the second.

    Args:
        config: uvicorn's configuration.
        lifecycle: The flags that the application reads.
        listener: The listening socket.
        drain_s: Seconds to go on accepting after the first signal.
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
        """Serve on the listening socket until a signal arrives."""
        # The loop closes its copy of the socket; this one keeps the kernel's queue alive.
        super().run(sockets or [self._listener.dup()])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and log the address."""
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
        """Return whether to stop. uvicorn calls this ten times per second."""
        if self._lifecycle.draining:
            now = monotonic()
            if self._accept_until is None:
                self._accept_until = now + self._drain_s
                self._log.info("draining", seconds=self._drain_s)
            self.should_exit = now >= self._accept_until
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting without losing arrived connections, then finish as uvicorn does."""
        for server in self.servers:
            server.close()
        await self._take_backlog()
        await self._await_first_requests()
        self._lifecycle.stopping = True
        await super().shutdown(sockets)

    async def _take_backlog(self) -> None:
        """Accept the connections in the kernel's queue: closing it would reset them."""
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
        """Give new connections time to send their first request."""
        until = monotonic() + FIRST_REQUEST_S
        await asyncio.sleep(POLL_S)
        # uvicorn's connections have no event to await instead of polling.
        while monotonic() < until and any(  # noqa: ASYNC110
            getattr(connection, "cycle", None) is None
            for connection in self.server_state.connections
        ):
            await asyncio.sleep(POLL_S)

    def _protocol(self) -> asyncio.Protocol:
        kind = self.config.http_protocol_class
        return kind(  # type: ignore[call-arg] # uvicorn types it as asyncio.Protocol
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
