"""A test portal on loopback: the part of SODA 2 that `sources.portal` uses, with faults."""

import asyncio
import csv
import gzip
import io
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from trips import API, Row

WHERE = re.compile(
    r"trip_start_timestamp >= '([^']*)' AND trip_start_timestamp < '([^']*)'"
    r"(?: AND trip_id > '([0-9A-Za-z]*)')?"
)


@dataclass
class Portal:
    """The portal's state.

    Attributes:
        rows: Its trips.
        faults: What goes wrong with the next requests, one each; None for nothing.
        asked: The requests: data set, form and query.
        tokens: The application tokens that came along.
        hold: Whether requests after a first page wait in vain, until the client is gone.
    """

    rows: list[Row]
    faults: list[str | None] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    url: str = ""
    hold: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: threading.Event = field(default_factory=threading.Event)

    @property
    def pages(self) -> list[dict[str, str]]:
        """The queries for trips."""
        return [query for path, query in self.asked if path.endswith(".csv")]

    async def answer(self, request: Request) -> Response:  # noqa: PLR0911
        """One request."""
        query = dict(request.query_params)
        self.asked.append((request.path_params["name"], query))
        self.tokens.append(request.headers.get("x-app-token"))
        found = WHERE.fullmatch(query["$where"])
        if found is None:
            return JSONResponse({"message": f"no such query: {query}"}, 400)
        begin, end, after = found.groups()
        rows = [row for row in self.rows if begin <= row["start"] < end]
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault.startswith("to "):
            return RedirectResponse(fault.removeprefix("to "))
        if fault in FAULTS:
            return FAULTS[fault]()
        if request.path_params["name"].endswith(".json"):
            count = len(rows) + (1 if fault == "miscount" else 0)
            return JSONResponse([{"trips": str(count)}])
        if self.hold and after:
            self.waiting.set()
            await self.released.wait()
        rows = sorted((row for row in rows if row["trip_id"] > (after or "")), key=_identifier)
        if fault == "disorder":
            rows.reverse()
        body = _csv(rows[: int(query["$limit"])])
        if fault == "cut line":
            body = body[:-20]
        if fault == "short row":
            body = body.rsplit(b",", 1)[0] + b"\n"
        if fault == "truncated":
            return _stream(body[:200], length=len(body))
        packed = gzip.compress(body)
        if fault == "truncated gzip":
            packed = packed[:-30]
        if fault == "plain":
            return Response(body, media_type="text/csv")
        return Response(packed, media_type="text/csv", headers={"Content-Encoding": "gzip"})


def _identifier(row: Row) -> str:
    return row["trip_id"]


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(API.columns.values())
    writer.writerows([row[name] for name in API.columns] for row in rows)
    return text.getvalue().encode()


def _stream(body: bytes, *, length: int) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield body
        raise ConnectionResetError

    return StreamingResponse(parts(), headers={"Content-Length": str(length)})


def _busy(wait: str | None) -> Response:
    headers = {"Retry-After": wait} if wait else {}
    return JSONResponse({"message": "too many requests"}, 429, headers=headers)


FAULTS: dict[str | None, Callable[[], Response]] = {
    "429": lambda: _busy(None),
    "429 in 7 s": lambda: _busy("7"),
    "429 until": lambda: _busy(format_datetime(datetime.now(UTC) + timedelta(seconds=30))),
    "429 at odds": lambda: _busy("tomorrow"),
    "429 for long": lambda: _busy("601"),
    "429 without end": lambda: _busy("9" * 400),
    "429 in odd digits": lambda: _busy("\u00b2"),
    "bomb": lambda: Response(
        gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"}
    ),
    "flood": lambda: Response(bytes(2_000_000)),
    "500": lambda: Response("oops", 500),
    "503": lambda: Response("later", 503),
    "403": lambda: JSONResponse({"message": "Invalid app_token specified"}, 403),
    "html": lambda: Response("<html>maintenance</html>\n", 200),
}


@contextmanager
def serve(portal: Portal) -> Iterator[Portal]:
    """The portal on a free port of loopback, in a thread."""
    app = Starlette(routes=[Route("/resource/{name}", portal.answer)])
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        portal.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield portal
        finally:
            server.should_exit = True
            thread.join(30)
