"""The City of Chicago's portal on loopback: as much of it as the pipeline asks for.

What a portal can do wrong is tested in tests/sources; here it only has to be one.
"""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

Portal = Callable[[Path], AbstractContextManager[str]]

_WHERE = re.compile(
    r"trip_start_timestamp >= '([\d-]+)T00:00:00' AND trip_start_timestamp < '[^']+'"
    r"(?: AND trip_id > '(\w+)')?"
)


@pytest.fixture(scope="session")
def portal() -> Portal:
    """The address of a portal that has the trips of a file in the API's dialect."""
    return _serving


@contextmanager
def _serving(trips: Path) -> Iterator[str]:
    header, days = _by_day(trips)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            asked = _WHERE.fullmatch(query["$where"])
            assert asked, query
            day, after = asked.groups()
            rows = [row for row in days.get(day, []) if row[0] > (after or "")]
            if address.path.endswith(".json"):
                body = json.dumps([{"trips": str(len(rows))}])
            else:
                body = _csv(header, rows[: int(query["$limit"])])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _by_day(trips: Path) -> tuple[list[str], dict[str, list[list[str]]]]:
    with trips.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        assert header[0] == "trip_id", header
        start = header.index("trip_start_timestamp")
        days = defaultdict(list)
        for row in rows:
            days[row[start][:10]].append(row)
    return header, {day: sorted(found) for day, found in days.items()}


def _csv(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
