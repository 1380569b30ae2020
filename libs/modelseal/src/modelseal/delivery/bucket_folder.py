"""A folder in a bucket or on a disk that holds a sealed model."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore

from modelseal.delivery.bucket_client import (
    first_line,
    is_bucket_folder,
    is_crash,
    open_bucket_folder,
)
from modelseal.delivery.retrying import STALL_TIMEOUT_S, retry
from modelseal.errors import DeliveryError, UnreachableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["CHUNK_BYTES", "MAX_PUT_BYTES", "BucketFolder", "MissingFileError"]

CHUNK_BYTES = 8 * 2**20
# Largest object of one upload request, in S3 and in Google Cloud Storage.
MAX_PUT_BYTES = 5 * 10**9

_STREAM_BYTES = 2**18

# Permanent failures: all of 4xx except request timeout and too many requests.
_PERMANENT = re.compile(r"status code: 4(?!08|29)\d\d")
T = TypeVar("T")


class MissingFileError(DeliveryError):
    """The folder has no file of this name."""


class BucketFolder:
    """A folder: ``s3://bucket/prefix``, ``gs://bucket/prefix`` or ``file:///path``.

    A request that gets no answer is retried.

    Args:
        uri: Address of the folder.
        stall_timeout_s: Longest time without progress, in seconds.
        report: Called with one line of text before each retry.
        request_timeout_s: Longest time of one request with its body, in seconds.
        create: Whether to create a missing folder on a disk. Buckets have no folders.

    Raises:
        DeliveryError: The address is not valid, or the environment variables are contradictory.
    """

    def __init__(
        self,
        uri: str,
        *,
        stall_timeout_s: float = STALL_TIMEOUT_S,
        report: Callable[[str], None] = lambda _line: None,
        request_timeout_s: float = 30,
        create: bool = False,
    ) -> None:
        self.uri = uri.rstrip("/")
        self._stall_timeout_s = stall_timeout_s
        self._report = report
        self._store = _open(self.uri, request_timeout_s, create=create)

    def size(self, name: str) -> int:
        """The size of a file in bytes.

        Raises:
            MissingFileError: There is no such file.
            DeliveryError: The bucket refuses access, or does not answer (UnreachableError).
        """
        return self._retry(name, lambda: obstore.head(self._store, name)["size"])

    def chunks(self, name: str, *, start: int = 0, size: int) -> Iterator[bytes]:
        """Read a file in chunks, none of them empty.

        Args:
            name: The file.
            start: Position of the first byte.
            size: Size of the whole file in bytes.

        Raises:
            DeliveryError: As for `size`. A server that sends more bytes than requested, or none,
                counts as one that does not answer.
        """
        while start < size:
            chunk = self._retry(name, partial(self._read, name, start, size))
            yield chunk
            start += len(chunk)

    def create(self, name: str, contents: bytes) -> bool:
        """Write a new file, whole or not at all.

        Returns:
            False if a file of this name exists already. It is not changed.

        Raises:
            DeliveryError: As for `size`.
        """

        def put() -> bool:
            try:
                obstore.put(self._store, name, contents, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
            return True

        return self._retry(name, put)

    def _read(self, name: str, start: int, size: int) -> bytes:
        length = min(CHUNK_BYTES, size - start)
        contents = bytearray()
        answer = obstore.get(self._store, name, options={"range": (start, start + length)})
        for part in answer.stream(min_chunk_size=_STREAM_BYTES):
            contents += part
            if len(contents) > length:
                # Reading on would fill the memory.
                raise UnreachableError(
                    f"{self.uri}/{name}: the server sent more than the {length} bytes of the "
                    "request.",
                    remedy="Check which server answers at this address: it does not work as a "
                    "bucket.",
                )
        if not contents:
            raise UnreachableError(
                f"{self.uri}/{name}: the server sent none of the {length} bytes of the request.",
                remedy="Try again when the bucket answers.",
            )
        return bytes(contents)

    def _retry(self, name: str, action: Callable[[], T]) -> T:
        return retry(
            partial(self._request, f"{self.uri}/{name}", action),
            stall_timeout_s=self._stall_timeout_s,
            report=self._report,
        )

    def _request(self, where: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except DeliveryError:
            raise
        except FileNotFoundError as error:
            raise MissingFileError(
                f"{where} does not exist.", remedy="Give the folder that `modelseal push` printed."
            ) from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise DeliveryError(
                f"Access to {where} was denied: {first_line(error)}",
                remedy="Grant the workload's service account access to the bucket.",
            ) from error
        except (BaseError, OSError, ValueError) as error:
            reason = first_line(error)
            if isinstance(self._store, LocalStore) or _PERMANENT.search(reason):
                raise DeliveryError(
                    f"{where}: {reason}", remedy="Correct the cause, and try again."
                ) from error
            raise UnreachableError(
                f"{where}: {reason}", remedy="Try again when the bucket answers."
            ) from error
        except BaseException as error:
            if not is_crash(error):
                raise
            raise UnreachableError(
                f"{where}: the client crashed: {first_line(error)}",
                remedy="Try again. If it happens again, report it to the authors of obstore.",
            ) from error


def _open(uri: str, timeout_s: float, *, create: bool) -> "ObjectStore":
    parts = urlsplit(uri)
    plain = not (parts.query or parts.fragment)
    try:
        if parts.scheme == "file" and plain and not parts.netloc and parts.path.strip("/"):
            return LocalStore(unquote(parts.path), mkdir=create)
        if is_bucket_folder(parts):
            return open_bucket_folder(parts, request_timeout_s=timeout_s, user_agent="modelseal")
    except (BaseError, OSError, ValueError) as error:
        raise DeliveryError(
            f"{uri} cannot be opened: {first_line(error)}",
            remedy="Give a folder that exists, and check the environment variables of the client.",
        ) from error
    raise DeliveryError(
        f"{uri} is not the address of a sealed model.",
        remedy="Write s3://bucket/folder, gs://bucket/folder or file:///folder.",
    )
