"""The address of a log in PostgreSQL: ``postgresql://user@host/database?schema=name``."""

import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from modelwatch.errors import PlaceError

__all__ = ["DatabaseAddress", "is_database", "parse_address", "without_password"]

SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]
"""How TLS is used, with the names and the meaning of PostgreSQL's own clients."""

_SCHEME: Final = re.compile(r"postgres(?:ql)?:", re.IGNORECASE)
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_OPTIONS: Final = frozenset({"schema", "sslmode", "sslrootcert"})
_PORT: Final = 5432


@dataclass(frozen=True)
class DatabaseAddress:
    """Where the tables of a log are, and how to get there.

    Attributes:
        host: Name or address of the server.
        port: TCP port.
        database: Name of the database.
        schema: Schema of the tables: one for each log.
        user: Role that logs in.
        given_password: Password of the address; None for that of the environment.
        ssl_mode: How TLS is used.
        root_certificates: File of the certificates that are trusted; None for those of the machine.
    """

    host: str
    port: int
    database: str
    schema: str
    user: str
    given_password: str | None = field(repr=False)
    ssl_mode: SslMode
    root_certificates: Path | None

    def __str__(self) -> str:
        """The address without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{self.user}@{host}:{self.port}/{self.database}?schema={self.schema}"

    @property
    def password(self) -> str | None:
        """The password of the address, or of the variable ``PGPASSWORD``; None for none."""
        return self.given_password or os.environ.get("PGPASSWORD")

    def tls(self) -> ssl.SSLContext | bool | None:
        """TLS as the client takes it: False for never, None for only if the server has it.

        Raises:
            OSError: The file of certificates cannot be read, or has none (`ssl.SSLError`).
        """
        if self.ssl_mode in {"disable", "prefer"}:
            return None if self.ssl_mode == "prefer" else False
        context = ssl.create_default_context(
            cafile=None if self.root_certificates is None else str(self.root_certificates)
        )
        context.check_hostname = self.ssl_mode == "verify-full"
        if self.ssl_mode == "require":
            context.verify_mode = ssl.CERT_NONE
        return context


def is_database(address: str) -> bool:
    """Whether an address names a database, valid or not."""
    return _SCHEME.match(address) is not None


def parse_address(address: str) -> DatabaseAddress:
    """Read an address.

    Args:
        address: ``postgresql://user:password@host:port/database?schema=name``, optionally with
            ``sslmode`` and ``sslrootcert``.

    Raises:
        PlaceError: It is not valid. The message has no password.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or _PORT
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _invalid("it cannot be read") from None
    database, mode = unquote(parts.path.removeprefix("/")), options.get("sslmode", "prefer")
    for wrong, reason in (
        (not parts.hostname or "," in parts.netloc, "it has not one host"),
        (not parts.username, "it has no user"),
        (not database or "/" in database or parts.fragment, "it has not one database"),
        (options.keys() - _OPTIONS, f"its options are not all of {', '.join(sorted(_OPTIONS))}"),
        (mode not in get_args(SslMode), f"sslmode is not one of {', '.join(get_args(SslMode))}"),
        (
            not _SCHEMA.fullmatch(options.get("schema", "")),
            "its option schema is not a name of small letters, digits and underscores",
        ),
    ):
        if wrong:
            raise _invalid(reason)
    root = options.get("sslrootcert")
    return DatabaseAddress(
        host=parts.hostname or "",
        port=port,
        database=database,
        schema=options["schema"],
        user=unquote(parts.username or ""),
        given_password=unquote(parts.password) if parts.password else None,
        ssl_mode=cast("SslMode", mode),
        root_certificates=None if root in {None, "system"} else Path(str(root)),
    )


def without_password(address: str) -> str:
    """An address of another kind, without what may be a password."""
    return re.sub(r"://.*@", "://***@", address, flags=re.DOTALL)


def _invalid(reason: str) -> PlaceError:
    # Without the address: if it is wrong, any part of it may be a password.
    return PlaceError(
        f"The address of the database is not valid: {reason}.",
        remedy="Write postgresql://user@host/database?schema=name, with a password as "
        "user:password@ (percent-encoded) or in PGPASSWORD.",
    )
