"""The client of a folder in a bucket, which the libraries of this repository share.

The client is obstore. It takes credentials and endpoints from the environment variables of each
cloud.
"""

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from obstore.store import GCSStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

__all__ = ["first_line", "is_bucket_folder", "is_crash", "open_bucket_folder"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")
_SEGMENT = r"(?!\.{1,2}(/|$))[A-Za-z0-9!_.*'()=+@-]+"
_PREFIX = re.compile(f"{_SEGMENT}(/{_SEGMENT})*")
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
# The callers retry instead: they count or report what they do.
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}


def is_bucket_folder(address: SplitResult) -> bool:
    """Whether an address is ``s3://bucket/folder`` or ``gs://bucket/folder``."""
    return (
        address.scheme in _ENDPOINTS
        and not (address.query or address.fragment)
        and _BUCKET.fullmatch(address.netloc) is not None
        and _PREFIX.fullmatch(address.path.strip("/")) is not None
    )


def open_bucket_folder(
    address: SplitResult, *, request_timeout_s: float, user_agent: str
) -> S3Store | GCSStore:
    """Make the client of a folder. It never retries.

    Args:
        address: A folder of a bucket (`is_bucket_folder`).
        request_timeout_s: Longest time of one request with its body, in seconds.
        user_agent: Name of the program, which the bucket's access log shows.

    Raises:
        BaseError: The environment variables are contradictory (an error of obstore).
        ValueError: The same.
    """
    kind = S3Store if address.scheme == "s3" else GCSStore
    return kind(
        address.netloc,
        prefix=address.path.strip("/"),
        client_options=_options(address.scheme, request_timeout_s, user_agent),
        retry_config=_NO_RETRIES,
    )


def first_line(error: BaseException) -> str:
    """The first line of an error of the client. The others print its internal structures."""
    return str(error).strip().partition("\n")[0][:500]


def is_crash(error: BaseException) -> bool:
    """Whether an error is a panic of the client's Rust code.

    It is not an Exception, and its class cannot be imported.
    """
    return type(error).__name__ == "PanicException"


def _options(scheme: str, request_timeout_s: float, user_agent: str) -> "ClientConfig":
    endpoint = next((url for name in _ENDPOINTS[scheme] if (url := os.environ.get(name))), "")
    return {
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(seconds=request_timeout_s),
        # HTTP without TLS only if the operator asks for it, as for an emulator.
        "allow_http": endpoint.startswith("http://"),
        "user_agent": user_agent,
    }
