"""Transactions in PostgreSQL, each wait of which is bounded."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any, Final, TypeVar

from pg8000.native import Connection, DatabaseError, InterfaceError

from modelwatch.database.address import DatabaseAddress
from modelwatch.errors import StoreError

__all__ = ["Database"]

T = TypeVar("T")

_ACCESS_DENIED: Final = "28"
_NO_RIGHTS: Final = "42501"
_FULL: Final = frozenset({"53100", "53200"})
_READ_ONLY: Final = "25006"
# The server gives up before the client, so that the reason is known.
_SERVER_SHARE: Final = 0.8


class Database:
    """A connection that is made again when it is lost.

    Not for several threads at once.

    Args:
        address: The server.
        timeout_s: Seconds that the server may be silent: when the connection is made, and then in
            each statement. Several of them are in a transaction.
    """

    def __init__(self, address: DatabaseAddress, *, timeout_s: float) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._connection: Connection | None = None

    def run(self, work: Callable[[Connection], T], *, read: bool = False) -> T:
        """Run something in a transaction, which is committed if it raises nothing.

        It is run a second time if the connection was made earlier and proves to be lost.

        Args:
            work: What to do.
            read: Whether it only reads, however long that takes.

        Raises:
            StoreError: It failed, or it is not known whether it was committed.
        """
        earlier = self._connection is not None
        try:
            try:
                return self._attempt(work, read=read)
            except (InterfaceError, OSError) as error:
                if not (earlier and _is_lost(error)):
                    raise
            return self._attempt(work, read=read)
        except StoreError:
            raise
        except Exception as error:  # if the server is no PostgreSQL, the client may raise anything
            raise self._failure(error) from error

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(InterfaceError, OSError):  # it may be lost
                connection.close()

    def _attempt(self, work: Callable[[Connection], T], *, read: bool) -> T:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        try:
            connection.run("begin read only" if read else "begin")
            # For this transaction only: a pool may give the connection to others afterwards.
            limit_ms = int(self._timeout_s * _SERVER_SHARE * 1000)
            connection.run(f"set local lock_timeout = {limit_ms // 2}")
            connection.run(f"set local statement_timeout = {0 if read else limit_ms}")
            connection.run(f"set local idle_in_transaction_session_timeout = {2 * limit_ms}")
            found = work(connection)
            connection.run("commit")
        except BaseException:
            # The server rolls back. Nothing is known of a connection in the middle of something.
            self.close()
            raise
        return found

    def _connect(self) -> Connection:
        address, tls = self.address, self.address.tls()
        # The client does not close a socket whose server is silent.
        opened = socket.create_connection((address.host, address.port), self._timeout_s)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = Connection(
                address.user,
                host=address.host,
                database=address.database,
                password=address.password,
                ssl_context=tls,
                sock=opened,
                application_name="modelwatch",
            )
        except BaseException:
            opened.close()
            raise
        encoding = connection.parameter_statuses.get("server_encoding")
        if encoding != "UTF8":
            connection.close()
            raise StoreError(
                f"{address}: the database has the encoding {encoding}, which has not all texts.",
                remedy="Create the database with the encoding UTF8.",
            )
        return connection

    def _failure(self, error: Exception) -> StoreError:
        code, reason = _described(error)
        remedy = "Check the server and its address."
        if code.startswith(_ACCESS_DENIED):
            remedy = "Renew the password, or grant the role access to the database."
        elif code == _NO_RIGHTS:
            remedy = "Make the role the owner of the schema."
        elif code in _FULL:
            remedy = "Give the server more space."
        elif code == _READ_ONLY:
            remedy = "Name the server that accepts writes."
        return StoreError(f"{self.address}: {reason}", remedy=remedy)


def _is_lost(error: BaseException) -> bool:
    """Whether a connection broke.

    A server that was only silent is not tried again: that would take as long once more.
    """
    return not any(isinstance(one, TimeoutError) for one in _causes(error))


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _described(error: Exception) -> tuple[str, str]:
    """The SQLSTATE of an error (or nothing), and a sentence."""
    for one in _causes(error):
        if isinstance(one, DatabaseError):
            fields: dict[str, Any] = one.args[0]
            return str(fields.get("C", "")), f"{fields.get('M')} ({fields.get('C')})."
    # The client wraps errors of sockets, whose words say more.
    last = next((one for one in _causes(error) if isinstance(one, OSError)), error)
    if isinstance(last, TimeoutError):
        return "", "the server does not answer."
    return "", f"{str(last).splitlines()[0] if str(last) else type(last).__name__}."
