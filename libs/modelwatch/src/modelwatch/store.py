"""Where logs are kept: a folder, a folder of a bucket, or a database. Parts appear whole."""

import contextlib
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from modelseal.delivery.bucket_client import (
    first_line,
    is_bucket_folder,
    is_crash,
    open_bucket_folder,
)
from modelseal.model_files import write_durably
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import GCSStore, S3Store

from modelwatch.database.address import is_database, parse_address, without_password
from modelwatch.errors import PlaceError, StoreError
from modelwatch.part_name import parse_part_name

if TYPE_CHECKING:
    from modelwatch.database.store import DatabaseStore

__all__ = ["BucketStore", "FileBasedStore", "FolderStore", "Store", "check_address", "open_store"]

_REQUEST_S: Final = 30
_LEFT_AFTER_S: Final = 3600


class Store(Protocol):
    """The parts of a log: Parquet files, whose names are those of `PartName`.

    Attributes:
        address: Where it is, without a password.
    """

    address: str

    def put(self, name: str, contents: bytes) -> None:
        """Write a part, whole or not at all. The same part again changes nothing.

        Raises:
            StoreError: The part was not written, or it is not known whether it was.
        """

    def names(self, table: str) -> list[str]:
        """The names of the parts of a table, sorted; empty if there is no such table.

        Raises:
            StoreError: The store cannot be read.
        """

    def delete_before(self, table: str, day: str) -> None:
        """Delete the parts of a table of all days before one.

        Raises:
            StoreError: They could not be deleted; some may be.
        """

    def close(self) -> None:
        """End its connections. They are made again when they are needed."""


class FileBasedStore(ABC):
    """A store that keeps parts as files. Other files may be there, too."""

    address: str

    @abstractmethod
    def put(self, name: str, contents: bytes) -> None:
        """Write a file, whole or not at all; it replaces one of the same name."""

    @abstractmethod
    def names(self, table: str) -> list[str]:
        """The files below a folder, sorted."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The contents of a file.

        Raises:
            StoreError: The file cannot be read.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove a file.

        Raises:
            StoreError: The file could not be removed.
        """

    def delete_before(self, table: str, day: str) -> None:
        """Delete the parts of a table of all days before one."""
        for name in self.names(table):
            if (part := parse_part_name(name)) and part.day < day:
                self.delete(name)

    def close(self) -> None:  # noqa: B027 - not all have connections of their own
        """End its connections. They are made again when they are needed."""


class FolderStore(FileBasedStore):
    """A folder on a disk, which is created when it is first written.

    A file is written under a temporary name, flushed to the disk, and renamed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = str(path)
        self._token = secrets.token_hex(8)

    def put(self, name: str, contents: bytes) -> None:
        """Write a file, whole or not at all."""
        target = self.path / name
        temporary = self.path / f".{self._token}.tmp"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_durably(temporary, contents)
            temporary.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _disk_error(target, error) from error

    def names(self, table: str) -> list[str]:
        """The files below a folder, sorted."""
        folder = self.path / table
        try:
            found = [path for path in folder.rglob("*") if path.is_file()]
        except OSError as error:
            raise _disk_error(folder, error) from error
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def read(self, name: str) -> bytes:
        """The contents of a file."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise _disk_error(self.path / name, error) from error

    def delete(self, name: str) -> None:
        """Remove a file, and its folder if it was the last one."""
        path = self.path / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _disk_error(path, error) from error
        with contextlib.suppress(OSError):  # not empty
            path.parent.rmdir()

    def remove_left(self) -> None:
        """Remove the temporary files that killed processes left."""
        with contextlib.suppress(OSError):  # none is in anybody's way
            for path in self.path.glob(".*.tmp"):
                if path.stat().st_mtime < time.time() - _LEFT_AFTER_S:
                    path.unlink(missing_ok=True)


class BucketStore(FileBasedStore):
    """A folder of a bucket. A file is written with one request.

    Credentials come from the environment or the identity of the machine. If access is
    denied, the client is made again, so that new credentials are used.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._client: S3Store | GCSStore | None = None

    def put(self, name: str, contents: bytes) -> None:
        """Write a file, whole or not at all."""
        with self._requesting(name) as client:
            obstore.put(client, name, contents, use_multipart=False)

    def names(self, table: str) -> list[str]:
        """The files below a folder, sorted."""
        with self._requesting(table) as client:
            return sorted(
                str(file["path"]) for batch in obstore.list(client, table) for file in batch
            )

    def read(self, name: str) -> bytes:
        """The contents of a file."""
        with self._requesting(name) as client:
            return bytes(obstore.get(client, name).bytes())

    def delete(self, name: str) -> None:
        """Remove a file."""
        with self._requesting(name) as client, contextlib.suppress(FileNotFoundError):
            obstore.delete(client, name)

    @contextlib.contextmanager
    def _requesting(self, name: str) -> Iterator[S3Store | GCSStore]:
        try:
            if self._client is None:
                self._client = open_bucket_folder(
                    urlsplit(self.address), request_timeout_s=_REQUEST_S, user_agent="modelwatch"
                )
            yield self._client
        except (PermissionDeniedError, UnauthenticatedError) as error:
            self._client = None
            raise StoreError(
                f"Access to {self.address}/{name} was denied: {first_line(error)}",
                remedy="Renew the credentials of this process, or grant it access to the bucket.",
            ) from error
        except (BaseError, OSError, ValueError) as error:
            raise StoreError(
                f"{self.address}/{name}: {first_line(error)}",
                remedy="Check the bucket and its address.",
            ) from error
        except BaseException as error:
            if not is_crash(error):
                raise
            self._client = None
            raise StoreError(
                f"{self.address}/{name}: the client crashed: {first_line(error)}",
                remedy="If it happens again, report it to the authors of obstore.",
            ) from error


def check_address(address: str) -> str:
    """Check the address of a log.

    Args:
        address: A path, ``file:///path``, ``s3://...``, ``gs://...`` or ``postgresql://...``.

    Returns:
        The address, without a slash at the end.

    Raises:
        PlaceError: The address is not valid. The message has no password of it.
    """
    if is_database(address):
        parse_address(address)
        return address
    parts = urlsplit(address)
    if not parts.scheme and parts.path:
        return address.rstrip("/") or "/"
    plain = not (parts.query or parts.fragment)
    on_disk = parts.scheme == "file" and plain and not parts.netloc and parts.path.strip("/")
    if on_disk or is_bucket_folder(parts):
        return address.rstrip("/")
    raise PlaceError(
        f"{without_password(address)} is not the address of a prediction log.",
        remedy="Write a path, file:///folder, s3://bucket/folder, gs://bucket/folder or "
        "postgresql://user@host/database?schema=name.",
    )


def open_store(address: str) -> "FolderStore | BucketStore | DatabaseStore":
    """The store at an address. Nothing is read or written yet.

    Raises:
        PlaceError: The address is not valid.
    """
    address = check_address(address)
    if is_database(address):
        # A process with a folder or a bucket does not load the client.
        from modelwatch.database.store import DatabaseStore  # noqa: PLC0415

        return DatabaseStore(address)
    parts = urlsplit(address)
    if is_bucket_folder(parts):
        return BucketStore(address)
    return FolderStore(Path(unquote(parts.path) if parts.scheme else address))


def _disk_error(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: {error.strerror}.", remedy="Check the disk and the rights to this folder."
    )
