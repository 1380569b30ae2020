"""Checks of a request's head that the parser leaves open."""

from typing import NamedTuple
from urllib.parse import unquote

import httptools

Headers = list[tuple[bytes, bytes]]


class Head(NamedTuple):
    """What the headers of a request say, as far as a connection needs it.

    Attributes:
        size: Bytes of the header lines.
        hosts: Number of ``Host`` headers.
        content_length: The stated length of the body; None if the body is chunked.
    """

    size: int
    hosts: int
    content_length: bytes | None

    @property
    def body_length(self) -> int | None:
        """Length of the body; None if it is chunked.

        Raises:
            ValueError: The length has thousands of digits, as zeros at its beginning.
        """
        return None if self.content_length is None else int(self.content_length)


def read_head(headers: Headers) -> Head:
    """Read headers. The parser has checked the two that frame a body."""
    size = hosts = 0
    length = b"0"
    chunked = False
    for name, value in headers:
        size += len(name) + len(value) + len(b": \r\n")
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            chunked = True
    return Head(size, hosts, None if chunked else length)


def is_well_formed(version: str, head: Head) -> bool:
    """Whether the version is HTTP/1.0 or 1.1 and there is one host (RFC 9112, section 3.2)."""
    return head.hosts == 1 if version == "1.1" else version == "1.0" and head.hosts <= 1


class Target(NamedTuple):
    """What a request asks for.

    Attributes:
        path: The path, decoded.
        raw_path: The path as it was sent.
        query: The query as it was sent.
    """

    path: str
    raw_path: bytes
    query: bytes


def read_target(url: bytes) -> Target:
    """Read a request's target, with the path ``/`` if it has none (RFC 9110, section 4.2.3).

    Raises:
        httptools.HttpParserInvalidURLError: It is not a target.
    """
    parsed = httptools.parse_url(url)
    raw_path = parsed.path or b"/"
    path = raw_path.decode("ascii")
    return Target(unquote(path) if "%" in path else path, raw_path, parsed.query or b"")


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
