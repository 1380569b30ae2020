"""A TCP proxy on loopback that fails as networks do."""

import contextlib
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Proxy", "forward"]

Action = Literal["forward", "swallow", "cut", "lose-answer"]
"""What to do with bytes of a client. ``swallow`` keeps all that follow, too, and ``lose-answer``
forwards them and cuts the connection when the server has answered."""

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_POLL_S = 0.05


def forward(_: bytes) -> Action:
    return "forward"


class Proxy:
    """Forwards to a port.

    Args:
        target: The port.
        tls: Certificate with which it encrypts for PostgreSQL's clients that ask for it, instead of
            the server; None for what the server does.

    Attributes:
        port: Its own port.
        fault: What to do with bytes of clients.
        encrypted: Connections that were encrypted.
    """

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.fault: Callable[[bytes], Action] = forward
        self.encrypted = 0
        self._tls = tls
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self._target), 10)
            with server, self._encrypted(client) as plain:
                self._relay(plain, server)

    def _encrypted(self, client: socket.socket) -> socket.socket:
        client.settimeout(10)
        if self._tls is None or client.recv(8, socket.MSG_PEEK) != SSL_REQUEST:
            return client
        client.recv(8)
        client.sendall(b"S")
        wrapped = self._tls.wrap_socket(client, server_side=True)
        self.encrypted += 1
        return wrapped

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        for one in (client, server):
            one.settimeout(_POLL_S)
        silent = losing = False
        while not self._ended.is_set():
            if data := _received(client):
                action = self.fault(data)
                if action == "cut":
                    return
                silent = silent or action == "swallow"
                losing = losing or action == "lose-answer"
                if not silent:
                    server.sendall(data)
            elif data is not None:
                return
            if answer := _received(server):
                if losing:
                    return
                client.sendall(answer)
            elif answer is not None:
                return


def _received(one: socket.socket) -> bytes | None:
    """What is there; None if nothing is, and no bytes at the end."""
    one.settimeout(0.002)
    try:
        return one.recv(65536)
    except TimeoutError:
        return None
    finally:
        one.settimeout(10)
