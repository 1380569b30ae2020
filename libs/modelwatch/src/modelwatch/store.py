"""Where logs are kept: a folder, or a folder of a bucket. Files appear whole, or not at all."""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import GCSStore, S3Store

from modelwatch.errors import PlaceError, StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

__all__ = ["BucketStore", "FolderStore", "Store", "check_address", "open_store"]

# The writer tries again itself, and counts.
_NO_RETRIES: Final["RetryConfig"] = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
_REQUEST_S: Final = 30
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9!_.*'()=+@-]+(/[A-Za-z0-9!_.*'()=+@-]+)*")
_ENDPOINTS: Final = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_LEFT_AFTER_S: Final = 3600


class Store(Protocol):
    """A folder of files. Names are relative paths with ``/``."""

    address: str

    def put(self, name: str, contents: bytes) -> None:
        """Write a file, whole or not at all; it replaces one of the same name.

        Raises:
            StoreError: The file was not written, or it is not known whether it was.
        """

    def names(self, prefix: str) -> list[str]:
        """The files below a folder, sorted; empty if there is no such folder.

        Raises:
            StoreError: The folder cannot be read.
        """

    def read(self, name: str) -> bytes:
        """The contents of a file.

        Raises:
            StoreError: The file cannot be read.
        """

    def delete(self, name: str) -> None:
        """Remove a file.

        Raises:
            StoreError: The file could not be removed.
        """


class FolderStore:
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
            with temporary.open("wb") as file:
                file.write(contents)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _disk_error(target, error) from error

    def names(self, prefix: str) -> list[str]:
        """The files below a folder, sorted."""
        folder = self.path / prefix
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


class BucketStore:
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

    def names(self, prefix: str) -> list[str]:
        """The files below a folder, sorted."""
        with self._requesting(prefix) as client:
            return sorted(
                str(file["path"]) for batch in obstore.list(client, prefix) for file in batch
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
                self._client = _client(self.address)
            yield self._client
        except (PermissionDeniedError, UnauthenticatedError) as error:
            self._client = None
            raise StoreError(
                f"Access to {self.address}/{name} was denied: {_first_line(error)}",
                remedy="Renew the credentials of this process, or grant it access to the bucket.",
            ) from error
        except (BaseError, OSError, ValueError) as error:
            raise StoreError(
                f"{self.address}/{name}: {_first_line(error)}",
                remedy="Check the bucket and its address.",
            ) from error
        except BaseException as error:
            # A panic of the client's Rust code is not an Exception, and its class has no import.
            if type(error).__name__ != "PanicException":
                raise
            self._client = None
            raise StoreError(
                f"{self.address}/{name}: the client crashed: {_first_line(error)}",
                remedy="If it happens again, report it to the authors of obstore.",
            ) from error


def check_address(address: str) -> str:
    """Check the address of a log: a path, ``file:///path``, ``s3://...`` or ``gs://...``.

    Returns:
        The address, without a slash at the end.

    Raises:
        PlaceError: The address is not valid.
    """
    parts = urlsplit(address)
    plain = not parts.query and not parts.fragment
    match parts.scheme:
        case "" if parts.path:
            return address.rstrip("/") or "/"
        case "file" if plain and not parts.netloc and parts.path.strip("/"):
            return address.rstrip("/")
        case "s3" | "gs" if (
            plain and _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(parts.path.strip("/"))
        ):
            return address.rstrip("/")
    raise PlaceError(
        f"{address} is not the address of a prediction log.",
        remedy="Write a path, file:///folder, s3://bucket/folder or gs://bucket/folder.",
    )


def open_store(address: str) -> FolderStore | BucketStore:
    """The store at an address. Nothing is read or written yet.

    Raises:
        PlaceError: The address is not valid.
    """
    address = check_address(address)
    parts = urlsplit(address)
    if parts.scheme in _ENDPOINTS:
        return BucketStore(address)
    return FolderStore(Path(unquote(parts.path) if parts.scheme else address))


def _client(address: str) -> S3Store | GCSStore:
    parts = urlsplit(address)
    names = _ENDPOINTS[parts.scheme]
    endpoint = next((url for name in names if (url := os.environ.get(name))), "")
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(seconds=_REQUEST_S),
        # HTTP without TLS only if the operator asks for it, as for an emulator.
        "allow_http": endpoint.startswith("http://"),
        "user_agent": "modelwatch",
    }
    kind = S3Store if parts.scheme == "s3" else GCSStore
    return kind(
        parts.netloc,
        prefix=parts.path.strip("/"),
        client_options=options,
        retry_config=_NO_RETRIES,
    )


def _disk_error(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: {error.strerror}.", remedy="Check the disk and the rights to this folder."
    )


def _first_line(error: BaseException) -> str:
    # The other lines print internal structures of the client.
    return str(error).strip().partition("\n")[0][:500]
