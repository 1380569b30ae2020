"""Raw HTTP that client libraries do not send, and the statuses that must answer it.

Ambiguous messages must be refused: if a proxy and the service read one message differently, a
request can be smuggled past the proxy (RFC 9112, section 11.2). The cases ask ``/health``, or the
front page, so that they apply to every service.
"""

import re
from dataclasses import dataclass
from typing import Final

from servicekit.testing.live_service import LiveService, RawConnection

_LAST: Final = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True)
class RawCase:
    """Bytes on a new connection, and the statuses of all answers until the service closes it.

    Attributes:
        name: The unusual part of the message.
        request: The bytes.
        statuses: The answers' statuses. A request for ``/health`` that closes the connection comes
            last; if 200 is not the last status, the connection was refused before it.
    """

    name: str
    request: bytes
    statuses: tuple[int, ...]

    def __str__(self) -> str:
        """The name, which a test shows."""
        return self.name

    def check(self, service: LiveService) -> None:
        """Send the bytes, and compare the answers.

        Raises:
            AssertionError: The answers differ.
        """
        with RawConnection(service) as connection:
            connection.send(self.request + _LAST)
            answers = connection.receive_until_closed()
        statuses = tuple(int(status) for status in _STATUS.findall(answers))
        assert statuses == self.statuses, answers


def _get(*lines: bytes, target: bytes = b"/health", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join([b"GET " + target + b" " + version, *lines, b"", b""])


def _post(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST /health HTTP/1.1", b"Host: x", *lines, b"", b""]) + body


def _chunked(body: bytes, *lines: bytes) -> bytes:
    return _post(b"Transfer-Encoding: chunked", *lines, body=body)


_LENGTH: Final = b"Content-Length: %d" % len(_SMUGGLED)
_REFUSED: Final = (400,)

# Bodies that are read to their end, so that the next request is read as one.
_READ: Final = {
    "two requests": (_get(b"Host: x"), (200, 200)),
    "a request in a body": (_post(_LENGTH, body=_SMUGGLED), (405, 200)),
    "a request in the body of a GET": (_get(b"Host: x", _LENGTH) + _SMUGGLED, (200, 200)),
    "a request in the body of an upgrade": (
        _post(b"Connection: upgrade", b"Upgrade: foo", _LENGTH, body=_SMUGGLED),
        (405, 200),
    ),
    "chunks": (_chunked(b"5\r\nabcde\r\n0\r\n\r\n"), (405, 200)),
    "a chunk extension": (_chunked(b"5;a=b\r\nabcde\r\n0\r\n\r\n"), (405, 200)),
    "a trailer": (_chunked(b"0\r\nX-Trailer: 1\r\n\r\n"), (405, 200)),
    "an expectation": (
        _post(b"Expect: 100-continue", b"Content-Length: 3", body=b"abc"),
        (405, 200),
    ),
    "empty lines first": (b"\r\n\r\n", (200,)),
    "the front page": (_get(b"Host: x", target=b"/"), (200, 200)),
    "HTTP/1.0": (_get(version=b"HTTP/1.0"), (200,)),
    "an absolute target": (_get(b"Host: x", target=b"http://x/health"), (200, 200)),
    "an absolute target without a path": (_get(b"Host: x", target=b"http://x"), (200, 200)),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", (404, 200)),
    "a path with a zero byte": (_get(b"Host: x", target=b"/%00"), (404, 200)),
    "a path that is not UTF-8": (_get(b"Host: x", target=b"/%zz%ff"), (404, 200)),
    "a path that climbs": (_get(b"Host: x", target=b"/../../etc/passwd"), (404, 200)),
}

_AMBIGUOUS: Final = {
    "a length and chunks": _post(
        b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + _SMUGGLED
    ),
    "chunks and a length": _chunked(b"0\r\n\r\n" + _SMUGGLED, b"Content-Length: 4"),
    "two lengths": _post(b"Content-Length: 0", _LENGTH, body=_SMUGGLED),
    "a length twice": _post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"),
    "a list of lengths": _post(b"Content-Length: 3, 3", body=b"abc"),
    "a length with a sign": _post(b"Content-Length: +3", body=b"abc"),
    "a negative length": _post(b"Content-Length: -3", body=b"abc"),
    "a hexadecimal length": _post(b"Content-Length: 0x3", body=b"abc"),
    "a length beyond 64 bits": _post(b"Content-Length: 99999999999999999999", body=b"abc"),
    "an empty length": _post(b"Content-Length: "),
    "an unknown coding": _post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + _SMUGGLED),
    "identity": _post(b"Transfer-Encoding: identity", body=_SMUGGLED),
    "chunked, and not last": _post(
        b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + _SMUGGLED
    ),
    "two codings": _chunked(b"0\r\n\r\n" + _SMUGGLED, b"Transfer-Encoding: identity"),
    "a space before the colon": _post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a vertical tab": _post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "a chunk size with junk": _chunked(b"5x\r\nabcde\r\n0\r\n\r\n"),
    "a negative chunk size": _chunked(b"-5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk size with 0x": _chunked(b"0x5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": _chunked(b"f" * 17 + b"\r\nabcde\r\n0\r\n\r\n"),
    "a chunk longer than its size": _chunked(b"3\r\nabcde\r\n0\r\n\r\n"),
    "chunks that end in line feeds": _chunked(b"5\nabcde\n0\n\n"),
    "a length as a trailer": _chunked(b"0\r\nContent-Length: 50\r\n\r\n"),
    "line feeds": b"GET /health HTTP/1.1\nHost: x\n\n",
    "carriage returns": b"GET /health HTTP/1.1\rHost: x\r\r",
    "a folded header": _get(b"Host: x", b"A: b\r\n c"),
    "a zero byte in a header": _get(b"Host: x", b"A: b\0c"),
    "a space in a header's name": _get(b"Host: x", b"A B: c"),
    "a header without a colon": _get(b"Host: x", b"AB"),
    "no host": _get(),
    "two hosts": _get(b"Host: x", b"Host: y"),
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown version": _get(b"Host: x", version=b"HTTP/3.7"),
    "an unknown method": b"BREW /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is not ASCII": _get(b"Host: x", target=b"/h\xc3\xa9"),
    "a target without a path": _get(b"Host: x", target=b"?a=b"),
    "a target that names a host and a port": _get(b"Host: x", target=b"x:443"),
    "a target that is a scheme": _get(b"Host: x", target=b"http:"),
    "a control character in a target": _get(b"Host: x", target=b"/h\x01"),
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

_REFUSED_OTHERWISE: Final = {
    "a head of 70 kB": (_get(b"Host: x", b"A: " + b"a" * 70_000), (431,)),
    "a body beyond the bound": (_post(b"Content-Length: 999999999"), (413,)),
    "endless framing": (_chunked(b"5;" + b"a" * 70_000), (431,)),
}

CASES: Final = (
    *(RawCase(name, request, statuses) for name, (request, statuses) in _READ.items()),
    *(RawCase(name, request, _REFUSED) for name, request in _AMBIGUOUS.items()),
    *(
        RawCase(f"{name}, after a request", _get(b"Host: x") + request, (200, *_REFUSED))
        for name, request in _AMBIGUOUS.items()
    ),
    *(RawCase(name, request, statuses) for name, (request, statuses) in _REFUSED_OTHERWISE.items()),
)
"""Every case."""
