"""A folder in a bucket, or on a disk, that a sealed model is published in.

obstore speaks to S3 and Google Cloud Storage under the identity that the workload has there. It
is imported where a folder is opened, so that nothing which opens a model loads it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from modelseal.errors import DeliveryError, UnreachableError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

__all__ = ["MAX_PUT_BYTES", "RemoteFolder"]

# What one request carries to S3, and to Google Cloud Storage's compatible interface.
MAX_PUT_BYTES = 5 * 10**9

_PART_BYTES = 2**18

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")
_SEGMENT = r"(?!\.{1,2}(/|$))[A-Za-z0-9!_.*'()=+@-]+"
_PREFIX = re.compile(f"{_SEGMENT}(/{_SEGMENT})*")
# Statuses that do not go away by waiting: all of 4xx but request timeout and too many requests.
_REFUSED = re.compile(r"status code: 4(?!08|29)\d\d")
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}


class RemoteFolder:
    """A folder by its address, ``s3://bucket/prefix``, ``gs://bucket/prefix`` or ``file:///path``.

    Credentials and endpoints come from the environment, as the clients of each cloud have them.
    No method tries anything twice; who calls decides what is worth another try.

    Args:
        uri: The address.
        timeout_s: How long one request may take, its body included.
        make: Whether to make a folder of a disk that is not there; a bucket has no folders.

    Raises:
        DeliveryError: The address is none, or the environment contradicts itself.
    """

    def __init__(self, uri: str, *, timeout_s: float = 30, make: bool = False) -> None:
        self.uri = uri.rstrip("/")
        self._local = uri.startswith("file:")
        self._store = _open(self.uri, timeout_s, make=make)

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; None where there is none of this name."""
        import obstore  # noqa: PLC0415 - see above

        with self._errors(name):
            try:
                return obstore.head(self._store, name)["size"]
            except FileNotFoundError:
                return None

    def read(self, name: str, *, start: int, length: int) -> bytes:
        """Some bytes of a file; fewer than asked for where it ends before.

        A server that sends more is not listened to any longer: memory holds what was asked for.

        Raises:
            UnreachableError: It does not answer, or sends more.
        """
        import obstore  # noqa: PLC0415

        contents = bytearray()
        with self._errors(name):
            answer = obstore.get(self._store, name, options={"range": (start, start + length)})
            for part in answer.stream(min_chunk_size=_PART_BYTES):
                contents += part
                if len(contents) > length:
                    break
        if len(contents) > length:
            raise UnreachableError(
                f"{self.uri}/{name}: more bytes came than the {length} that were asked for.",
                remedy="Look at what answers at this address: it is not a bucket that works.",
            )
        return bytes(contents)

    def create(self, name: str, contents: bytes) -> bool:
        """Write a file that is not there yet, whole; False where there is one of this name."""
        import obstore  # noqa: PLC0415
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        with self._errors(name):
            try:
                obstore.put(self._store, name, contents, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        from obstore import exceptions  # noqa: PLC0415

        where = f"{self.uri}/{name}"
        try:
            yield
        except FileNotFoundError as error:
            raise DeliveryError(
                f"{where} does not exist.", remedy="Give the folder that `modelseal push` printed."
            ) from error
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise DeliveryError(
                f"{where} is not open to this identity: {_first_line(error)}",
                remedy="Grant the workload's service account access to the bucket.",
            ) from error
        except BaseException as error:  # the client's panics are no Exceptions
            if not isinstance(error, (exceptions.BaseError, OSError, ValueError)):
                if type(error).__name__ != "PanicException":
                    raise
                raise UnreachableError(
                    f"{where}: the client broke down: {_first_line(error)}",
                    remedy="Try again; if it stays so, tell obstore's authors.",
                ) from error
            reason = _first_line(error)
            if self._local or _REFUSED.search(reason):
                raise DeliveryError(
                    f"{where}: {reason}", remedy="Mend what the message says, and try again."
                ) from error
            raise UnreachableError(
                f"{where}: {reason}", remedy="Try again when the bucket answers."
            ) from error


def _open(uri: str, timeout_s: float, *, make: bool) -> "ObjectStore":
    from obstore.exceptions import BaseError  # noqa: PLC0415
    from obstore.store import GCSStore, LocalStore, S3Store  # noqa: PLC0415

    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    scheme = "" if parts.query or parts.fragment else parts.scheme
    try:
        match scheme:
            case "file" if not parts.netloc and prefix:
                return LocalStore(unquote(parts.path), mkdir=make)
            case "s3" | "gs" if _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(prefix):
                kind = S3Store if scheme == "s3" else GCSStore
                return kind(
                    parts.netloc,
                    prefix=prefix,
                    client_options=_client(scheme, timeout_s),
                    retry_config=_NO_RETRIES,
                )
    except (BaseError, OSError, ValueError) as error:
        raise DeliveryError(
            f"{uri} cannot be opened: {_first_line(error)}",
            remedy="Give a folder that exists, and an environment that its client understands.",
        ) from error
    raise DeliveryError(
        f"{uri} is no address of a sealed model.",
        remedy="Write s3://bucket/folder, gs://bucket/folder or file:///folder.",
    )


def _client(scheme: str, timeout_s: float) -> "ClientConfig":
    endpoint = next((url for name in _ENDPOINTS[scheme] if (url := os.environ.get(name))), "")
    return {
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(seconds=timeout_s),
        # Without TLS only where an operator wrote so, as for an emulator.
        "allow_http": endpoint.startswith("http://"),
        "user_agent": "modelseal",
    }


# Trying again is decided in one place, which can tell progress from none and says what it does.
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}


def _first_line(error: BaseException) -> str:
    # What follows is the client's own structures, written out over many lines.
    return str(error).strip().partition("\n")[0][:500]
