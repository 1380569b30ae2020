"""What urllib is told to do differently: watch connections, and refuse some redirects."""

from functools import partial
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from ssl import SSLContext
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import BaseHandler, HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request

from pinproof.audit.web.deadline import Deadline

__all__ = ["handlers"]


def handlers(deadline: Deadline, tls: SSLContext) -> tuple[BaseHandler, ...]:
    """The handlers for one request."""
    return _Plain(deadline), _Secure(deadline, tls), _Redirects()


class _PlainConnection(HTTPConnection):
    def __init__(self, host: str, *, deadline: Deadline, **options: Any) -> None:  # noqa: ANN401
        super().__init__(host, **options)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class _SecureConnection(HTTPSConnection):
    def __init__(self, host: str, *, deadline: Deadline, **options: Any) -> None:  # noqa: ANN401
        super().__init__(host, **options)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class _Plain(HTTPHandler):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_PlainConnection, deadline=self._deadline), req)


class _Secure(HTTPSHandler):
    def __init__(self, deadline: Deadline, tls: SSLContext) -> None:
        super().__init__()
        self._deadline = deadline
        self._tls = tls

    def https_open(self, req: Request) -> HTTPResponse:
        connection = partial(_SecureConnection, deadline=self._deadline, context=self._tls)
        return self.do_open(connection, req)


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, but none to an address that anybody on the way can read or change."""

    def redirect_request(  # noqa: PLR0917 - urllib's
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if req.type == "https" and not newurl.startswith("https://"):
            raise HTTPError(req.full_url, code, "with a redirect away from https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
