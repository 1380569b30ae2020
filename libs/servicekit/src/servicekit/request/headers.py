"""Headers of every answer, unless its endpoint sets them."""

from typing import Final

Headers = list[tuple[bytes, bytes]]

_SECURITY: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    # Answers load nothing; the front page has inline styles. Pages with scripts set their own.
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
]
_NAMES: Final = frozenset(name for name, _ in _SECURITY)
CLOSE: Final = (b"connection", b"close")


def missing_security_headers(headers: Headers) -> Headers:
    """The security headers that an answer does not set itself, such as `Cache-Control`."""
    own = {name for name, _ in headers}
    if own.isdisjoint(_NAMES):
        return _SECURITY
    return [header for header in _SECURITY if header[0] not in own]
