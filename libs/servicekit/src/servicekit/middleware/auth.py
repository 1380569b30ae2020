"""API keys."""

import hashlib
import hmac
from collections.abc import Collection, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.errors import UnauthorizedError

BEARER = b"bearer "


class AuthMiddleware:
    """Accepts requests with one of the keys.

    The digests of all keys are compared in constant time, so that the time of a refusal shows
    neither a key's content, nor its length, nor its place in the list.

    Args:
        app: The application.
        keys: The accepted keys.
        open_paths: Paths that need no key.
    """

    def __init__(self, app: ASGIApp, *, keys: Iterable[str], open_paths: Collection[str]) -> None:
        self._app = app
        self._digests = tuple(hashlib.sha256(key.encode()).digest() for key in keys)
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if (
            scope["type"] == "http"
            and scope["path"] not in self._open_paths
            and not self._admits(_presented(scope["headers"]))
        ):
            raise UnauthorizedError
        await self._app(scope, receive, send)

    def _admits(self, key: bytes | None) -> bool:
        if key is None:
            return False
        presented = hashlib.sha256(key).digest()
        matches = [hmac.compare_digest(presented, digest) for digest in self._digests]
        return any(matches)


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    bearer = None
    for name, value in headers:
        if name == b"x-api-key":
            return value
        if name == b"authorization" and value[: len(BEARER)].lower() == BEARER:
            bearer = value[len(BEARER) :].strip()
    return bearer
