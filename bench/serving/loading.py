"""Starts a contestant, checks its answers, and loads it."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import checks
import wrk
from contestants import Contestant, Target
from processes import Server, ServerEndedError

READY_S: Final = 180.0
_POLL_S: Final = 0.05
MOST_S: Final = 10
"""The longest measurement at one number of connections."""

_WARM_UP: Final = 10
"""Connections of the warm-up."""

FAILURES: Final = (checks.WrongAnswerError, ServerEndedError, wrk.LoadError, OSError)


@dataclass(frozen=True)
class Setting:
    """How contestants are measured.

    Attributes:
        wrk: The client.
        server_core: The core of the servers.
        client_core: The core of the client.
        seconds: Seconds to measure at each number of connections.
        scratch: Folder for logs and scripts.
    """

    wrk: Path
    server_core: int
    client_core: int
    seconds: int
    scratch: Path


@contextmanager
def started(contestant: Contestant, setting: Setting) -> Iterator[tuple[Server, int]]:
    """Start a contestant, and end it when the block is left; the server and its port."""
    ports = _free_ports(3)
    places = {
        f"{{port{number or ''}}}": str(port) for number, port in zip((0, 2, 3), ports, strict=True)
    }
    environment = {name: _filled(value, places) for name, value in contestant.environment.items()}
    command = [_filled(word, places) for word in contestant.command]
    log = setting.scratch / "server.log"
    with Server(
        command, environment, core=setting.server_core, log=log, folder=contestant.folder
    ) as server:
        yield server, ports[0]


def check_answer(target: Target, port: int) -> None:
    """Ask once, and compare the answer with what the pipeline answers.

    Raises:
        WrongAnswerError: It is another.
        OSError: There is no answer.
    """
    checks.check(checks.ask(target.request, port), target.expected, target.tolerance)


def loaded(
    server: Server,
    target: Target,
    port: int,
    setting: Setting,
    *,
    connections: int,
    seconds: int,
    every_status: bool = False,
) -> tuple[wrk.Load, float]:
    """Load a server with a request; what wrk measured, and the CPU time of the server in s.

    Args:
        server: The server.
        target: The request.
        port: The server's port.
        setting: How it is measured.
        connections: Number of connections.
        seconds: Duration.
        every_status: Whether to count all answers other than 200.

    Raises:
        LoadError: There was no answer, or wrk failed.
        ServerEndedError: The server ended.
    """
    server.settle()
    before = server.cpu_seconds()
    found = wrk.run(
        setting.wrk,
        target.request,
        port,
        connections=connections,
        seconds=seconds,
        core=setting.client_core,
        work=setting.scratch,
        every_status=every_status,
    )
    cpu = server.cpu_seconds() - before
    server.check_alive()
    return found, cpu


def warm_up(server: Server, target: Target, port: int, setting: Setting, seconds: int) -> wrk.Load:
    """Load a server with few connections, and check the status of every answer.

    Raises:
        LoadError: An answer was not 200, or a connection failed.
        ServerEndedError: The server ended.
    """
    connections = min(_WARM_UP, max(target.connections))

    def load(seconds: int) -> wrk.Load:
        return loaded(
            server,
            target,
            port,
            setting,
            connections=connections,
            seconds=seconds,
            every_status=True,
        )[0]

    try:
        found = load(seconds)
    except wrk.NoAnswerError:
        found = load(MOST_S)
    found.check()
    return found


def await_ready(server: Server, target: Target, port: int) -> None:
    """Wait for the first answer with 200.

    Raises:
        WrongAnswerError: No answer had the status 200 in time; the message has the last answer.
    """
    until = time.monotonic() + READY_S
    reason = "no answer"
    while time.monotonic() < until:
        server.check_alive()
        try:
            checks.ask(target.request, port)
        except (checks.WrongAnswerError, OSError) as error:
            reason = f"{error}"
        else:
            return
        time.sleep(_POLL_S)
    raise checks.WrongAnswerError(
        f"not ready within {READY_S:.0f} s: {reason}; its log ends: {server.log_end()}"
    )


def _free_ports(count: int) -> Sequence[int]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [one.getsockname()[1] for one in sockets]


def _filled(text: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text
