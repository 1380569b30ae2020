"""Checks of a request's head that the parser leaves open."""

import httptools

Headers = list[tuple[bytes, bytes]]


def is_well_formed(version: str, headers: Headers) -> bool:
    """Whether the version is HTTP/1.0 or 1.1 and there is one host (RFC 9112, section 3.2)."""
    hosts = sum(name == b"host" for name, _ in headers)
    return hosts == 1 if version == "1.1" else version == "1.0" and hosts <= 1


def with_path(target: bytes) -> bytes:
    """A request's target, with the path ``/`` if it has only a host (RFC 9110, section 4.2.3).

    Raises:
        httptools.HttpParserInvalidURLError: It is not a target.
    """
    if httptools.parse_url(target).path:
        return target
    host, mark, query = target.partition(b"?")
    return host + b"/" + mark + query


def content_length(headers: Headers) -> int | None:
    """The length of a body; None if it is chunked. The parser has checked both headers."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length


def without_upgrade(headers: Headers) -> Headers:
    """The headers without the request to upgrade the connection."""
    kept = []
    for name, value in headers:
        if name == b"connection":
            options = [one.strip() for one in value.split(b",")]
            value = b", ".join(one for one in options if one.lower() != b"upgrade")  # noqa: PLW2901
        if name != b"upgrade" and (value or name != b"connection"):
            kept.append((name, value))
    return kept
