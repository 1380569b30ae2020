"""Settings of the tracking server.

The client reads ``MLFLOW_TRACKING_TOKEN``, or ``MLFLOW_TRACKING_USERNAME`` and
``MLFLOW_TRACKING_PASSWORD``, itself. They are never read here.
"""

from typing import Final
from urllib.parse import urlsplit

from pydantic_settings import BaseSettings

from modelwatch.errors import TrackingError

__all__ = ["VARIABLE", "read_server"]

VARIABLE: Final = "MLFLOW_TRACKING_URI"


class _TrackingSettings(BaseSettings):
    mlflow_tracking_uri: str = ""


def read_server() -> str | None:
    """The address of the tracking server, http:// or https://; None if none is set.

    Raises:
        TrackingError: The address cannot be used.
    """
    address = _TrackingSettings().mlflow_tracking_uri.strip()
    if not address:
        return None
    # Not shown where it may contain a password.
    if "@" in address:
        raise TrackingError(
            f"{VARIABLE} contains a user or a password.",
            remedy="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead.",
        )
    if not _is_http(address):
        raise TrackingError(
            f"{VARIABLE} is {address!r}, which is not the address of a server.",
            remedy="Give http://HOST:PORT or https://HOST.",
        )
    return address.rstrip("/")


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
