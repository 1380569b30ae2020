"""API keys."""

import hashlib
import hmac
from collections.abc import Iterable

from servicekit.errors import UnauthorizedError

BEARER = b"bearer "


class ApiKeys:
    """Accepts requests with one of the keys.

    The digests of all keys are compared in constant time, so that the time of a refusal shows
    neither a key's content, nor its length, nor its place in the list.

    Args:
        keys: The accepted keys.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(hashlib.sha256(key.encode()).digest() for key in keys)

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Check the key of a request.

        Args:
            headers: The request's headers, names in lower case.

        Raises:
            UnauthorizedError: It has none of the keys.
        """
        key = _presented(headers)
        if key is None:
            raise UnauthorizedError
        presented = hashlib.sha256(key).digest()
        matches = [hmac.compare_digest(presented, digest) for digest in self._digests]
        if not any(matches):
            raise UnauthorizedError


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    bearer = None
    for name, value in headers:
        if name == b"x-api-key":
            return value
        if name == b"authorization" and value[: len(BEARER)].lower() == BEARER:
            bearer = value[len(BEARER) :].strip()
    return bearer
