"""Servers on loopback: an index, advisories, and ones that misbehave."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

ADVISORIES = Path(__file__).parent / "advisory_documents"
JSON = "application/json"
SIMPLE = "application/vnd.pypi.simple.v1+json"
CANARY = "GHSA-462w-v97r-4m45"


class Reply(NamedTuple):
    """What a server answers."""

    body: bytes = b""
    kind: str = JSON
    status: int = 200
    headers: Mapping[str, str] = {}


class Asked(NamedTuple):
    """What a server was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[Asked], Reply | Callable[[BaseHTTPRequestHandler], None]]


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """Answer requests while the context lasts; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(size))
            reply = answering(asked)
            if not isinstance(reply, Reply):
                reply(self)
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET  # noqa: N815 - the name that the standard library calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Release(NamedTuple):
    """One release of a made-up index."""

    requires: Sequence[str] = ()
    python: str = ""
    yanked: bool = False
    metadata: bool = True


Releases = Mapping[str, Mapping[str, Release]]


def released(*versions: str, requires: Sequence[str] = ()) -> dict[str, Release]:
    """Releases that all ask for the same."""
    return {version: Release(requires) for version in versions}


def index_of(projects: Releases) -> Answering:
    """An index with the JSON form of the Simple API, and metadata files of the wheels."""

    def answer(asked: Asked) -> Reply:
        *_, kind, name, file = ["", "", *asked.path.split("/")]
        if file.endswith(".metadata") and kind == "files":
            release, version = name, file.split("-")[1]
            return Reply(_metadata(release, version, projects[release][version]), "text/plain")
        if kind == "simple" and name in projects and not file:
            return Reply(_page(name, projects[name]), SIMPLE)
        return Reply(b"not found", "text/plain", 404)

    return answer


def _metadata(name: str, version: str, release: Release) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in release.requires]
    return ("\n".join(lines) + "\n\n").encode()


def _page(name: str, releases: Mapping[str, Release]) -> bytes:
    files = []
    for version, release in releases.items():
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        digest = hashlib.sha256(_metadata(name, version, release)).hexdigest()
        files.append(
            {
                "filename": filename,
                "url": f"../../files/{name}/{filename}",
                "hashes": {"sha256": "0" * 64},
                "requires-python": release.python or None,
                "yanked": "broken" if release.yanked else False,
                "core-metadata": {"sha256": digest} if release.metadata else False,
            }
        )
    return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()


def documents(*identifiers: str) -> dict[str, dict[str, object]]:
    """Documents of OSV's form, as they were published, by their identifiers."""
    return {
        identifier: json.loads((ADVISORIES / f"{identifier}.json").read_bytes())
        for identifier in (CANARY, *identifiers)
    }


def osv_of(
    published: Mapping[str, Mapping[str, object]], affecting: Mapping[str, Sequence[str]]
) -> Answering:
    """A server with OSV's interface, which pages after every advisory.

    Args:
        published: The documents.
        affecting: The identifiers that a query is answered with, by `name version`.
    """
    known = {"jinja2 2.4.1": [CANARY], **affecting}

    def result(query: Mapping[str, object]) -> dict[str, object]:
        package = query["package"]
        assert isinstance(package, dict)
        assert package["ecosystem"] == "PyPI"
        found = known.get(f"{package['name']} {query['version']}", ())
        page = int(str(query.get("page_token", "0")))
        vulns = [{"id": one, "modified": "2026-01-01T00:00:00Z"} for one in found[page : page + 1]]
        answer: dict[str, object] = {"vulns": vulns} if vulns else {}
        return answer | ({"next_page_token": str(page + 1)} if page + 1 < len(found) else {})

    def answer(asked: Asked) -> Reply:
        if asked.path == "/v1/querybatch" and asked.method == "POST":
            queries = json.loads(asked.body)["queries"]
            return Reply(json.dumps({"results": list(map(result, queries))}).encode())
        prefix, _, identifier = asked.path.rpartition("/")
        if prefix == "/v1/vulns" and identifier in published:
            return Reply(json.dumps(published[identifier]).encode())
        return Reply(b'{"code":5,"message":"Bug not found."}', JSON, 404)

    return answer
