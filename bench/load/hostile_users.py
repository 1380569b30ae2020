"""Hostile clients, as locust users: slow, half-open, and gone in the middle of an answer.

They are spawned with ``--hostile``. What they ask completely must be answered as any question; all
else must not disturb other clients.
"""

import contextlib
import http.client
import json
import random
import socket
import struct
import time
from typing import Final
from urllib.parse import urlsplit

from load_user import HEADERS, NOT_ACCEPTED, LoadUser
from locust import User, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from questions import Answer, Question, WrongAnswerError

TIMEOUT_S: Final = 60.0
PIECES: Final = 20
PAUSE_S: Final = 0.05
# Small buffers, so that the service notices that its answer is not read.
BUFFER: Final = 2048
# A request whose head or body does not arrive is given up by then.
SILENCE_S: Final = 30.0


class HostileUser(User):
    """A client that misuses one connection after the other.

    Attributes:
        title: What it is counted as.
    """

    abstract = True
    wait_time = constant(0.1)
    title = ""

    def act(self, connection: socket.socket, question: Question) -> None:
        """Misuse a connection.

        Raises:
            WrongAnswerError: The service did what it must not do.
        """
        raise NotImplementedError

    @task
    def misuse(self) -> None:
        """Misuse a new connection, and count it as a success or a failure."""
        [mix] = [kind.mix for kind in self.environment.user_classes if issubclass(kind, LoadUser)]
        question = random.choice(random.choice(mix).questions)  # noqa: S311
        name, failure, began = self.title, None, time.perf_counter()
        address = urlsplit(self.environment.host or "")
        try:
            with socket.socket() as connection:
                connection.settimeout(TIMEOUT_S)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                connection.connect((address.hostname, address.port or 80))
                self.act(connection, question)
        except ConnectionRefusedError:
            name = NOT_ACCEPTED
        except WrongAnswerError as error:
            failure = error
            LoadUser.examples.note(str(error), question, "")
        self.environment.events.request.fire(
            request_type="RAW",
            name=name,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=failure,
            context={},
        )


class SlowSender(HostileUser):
    """Sends the body in many pieces; a GET, in two."""

    fixed_count = 2
    title = "slow sender"

    def act(self, connection: socket.socket, question: Question) -> None:
        """Send slowly, and check the answer."""
        head, body = _request(question)
        if body:
            connection.sendall(head)
            size = len(body) // PIECES + 1
            # After a refusal, the service reads no more.
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(body), size):
                    connection.sendall(body[start : start + size])
                    time.sleep(PAUSE_S)
        else:
            connection.sendall(head[:-2])
            time.sleep(PAUSE_S)
            connection.sendall(head[-2:])
        _check(connection, question, pause_s=0)


class SlowReader(HostileUser):
    """Reads the answer in small pieces."""

    fixed_count = 2
    title = "slow reader"

    def act(self, connection: socket.socket, question: Question) -> None:
        """Ask, read slowly, and check the answer."""
        connection.sendall(b"".join(_request(question)))
        _check(connection, question, pause_s=0.01)


class HalfOpen(HostileUser):
    """Sends half a request and then nothing; the service must give up the connection."""

    fixed_count = 2
    title = "half-open"

    def act(self, connection: socket.socket, question: Question) -> None:
        """Send half, and wait for the end."""
        data = b"".join(_request(question))
        connection.sendall(data[: len(data) // 2])
        connection.settimeout(SILENCE_S)
        try:
            while connection.recv(BUFFER):
                pass
        except TimeoutError:
            raise WrongAnswerError(
                f"a half-open connection is still open after {SILENCE_S:g} s"
            ) from None
        except ConnectionError:
            return


class Gone(HostileUser):
    """Resets the connection in the middle of the request, or of the answer."""

    fixed_count = 2
    title = "gone"

    def act(self, connection: socket.socket, question: Question) -> None:
        """Send a part or all, read a few bytes or none, and reset."""
        data = b"".join(_request(question))
        # The service may be ending, and reset it first.
        with contextlib.suppress(ConnectionError):
            if random.random() < 0.5:  # noqa: S311, PLR2004
                connection.sendall(data[: random.randrange(len(data))])  # noqa: S311
            else:
                connection.sendall(data)
                connection.recv(20)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _request(question: Question) -> tuple[bytes, bytes]:
    """Head and body of a request that is the last of its connection."""
    body = question.payload
    lines = [f"{question.method} {question.path} HTTP/1.1", "Host: load-test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in HEADERS.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode(), body


def _check(connection: socket.socket, question: Question, *, pause_s: float) -> None:
    """Read an answer in pieces, and check it.

    Raises:
        WrongAnswerError: There is none, it is incomplete, or it is wrong.
    """
    response = http.client.HTTPResponse(connection, method=question.method)
    try:
        response.begin()
        text = b""
        while part := response.read(BUFFER):
            text += part
            time.sleep(pause_s)
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswerError(f"no complete answer: {error!r}") from error
    if len(text) != int(response.headers.get("Content-Length", len(text))):
        raise WrongAnswerError("no complete answer: it is shorter than its Content-Length")
    headers = {name.lower(): value for name, value in response.getheaders()}
    LoadUser.checker.check(question, response.status, Answer(json.loads(text), headers))


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--hostile", action="store_true", help="Add hostile clients.")


@events.init.add_listener
def _select(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    if options is not None and not options.hostile:
        environment.user_classes = [
            kind for kind in environment.user_classes if not issubclass(kind, HostileUser)
        ]
