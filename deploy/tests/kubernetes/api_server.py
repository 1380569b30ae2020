"""The recording cluster behind HTTP, for the real kubectl.

Serves the part of the Kubernetes API that the programs use: discovery, the document that announces
field validation, server-side apply, JSON patch, lists, logs, and watches that end.
"""

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

import yaml

from kubernetes.recording_cluster import KINDS, RecordingCluster

Node = dict[str, Any]

PATH: Final = re.compile(
    r"(?:/api/v1|/apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/ml-services)?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)
# What `get all` lists, and other names of kinds.
ALL: Final = frozenset({"Pod", "Service", "Deployment", "ReplicaSet", "CronJob", "Job"})
SHORT: Final = {"PersistentVolumeClaim": ["pvc"]}


def prefix(version: str) -> str:
    return f"/{'apis' if '/' in version else 'api'}/{version}"


def discovery() -> dict[str, Node]:
    """The discovery documents by their paths."""
    versions = sorted({version for version, _, _ in KINDS.values()})
    groups = []
    for version in versions:
        name, slash, short = version.partition("/")
        if slash:
            one = {"groupVersion": version, "version": short}
            groups.append({"name": name, "versions": [one], "preferredVersion": one})
    documents = {prefix(version): f"/openapi/v3{prefix(version)}" for version in versions}
    urls = {path[1:]: {"serverRelativeURL": url} for path, url in documents.items()}
    found: dict[str, Node] = {
        "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        "/openapi/v3": {"paths": urls},
    }
    for version in versions:
        found[prefix(version)] = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": version,
            "resources": list(_resources(version)),
        }
        found[documents[prefix(version)]] = {"openapi": "3.0.0", "paths": dict(_patches(version))}
    return found


def _resources(version: str) -> Iterator[Node]:
    for kind, (its, plural, inside) in KINDS.items():
        if its == version:
            yield {
                "name": plural,
                "singularName": kind.lower(),
                "namespaced": inside,
                "kind": kind,
                "shortNames": SHORT.get(kind, []),
                "categories": ["all"] if kind in ALL else [],
                "verbs": ["get", "list", "watch", "create", "patch", "delete"],
            }


def _patches(version: str) -> Iterator[tuple[str, Node]]:
    for kind, (its, plural, inside) in KINDS.items():
        if its == version:
            group, _, short = version.rpartition("/")
            where = "/namespaces/{namespace}" if inside else ""
            yield (
                f"{prefix(version)}{where}/{plural}/{{name}}",
                {
                    "patch": {
                        "x-kubernetes-group-version-kind": {
                            "group": group, "version": short, "kind": kind,
                        },
                        "parameters": [{"name": "fieldValidation", "in": "query"}],
                    }
                },
            )  # fmt: skip


DISCOVERY: Final = discovery()


class Handler(BaseHTTPRequestHandler):
    """One request to the API."""

    cluster: ClassVar[RecordingCluster]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path in DISCOVERY:
            self._answer(200, DISCOVERY[url.path])
            return
        kind, name = self._named(url.path)
        query = parse_qs(url.query)
        if url.path.endswith("/log"):
            self._send(200, f"{name} {query['container'][0]} started\n".encode())
        elif name is None:
            items = [self._seen(one) for one in self._listed(kind, query)]
            if query.get("watch"):
                self._watch(items)
            else:
                version = KINDS[kind][0]
                metadata = {"resourceVersion": "1"}
                self._answer(
                    200,
                    {
                        "kind": f"{kind}List",
                        "apiVersion": version,
                        "metadata": metadata,
                        "items": items,
                    },
                )
        elif (kind, name) in self.cluster.objects:
            self._answer(200, self._seen(self.cluster.node(kind, name)))
        else:
            self._refuse(404, "NotFound", f'{KINDS[kind][1]} "{name}" not found')

    def do_PATCH(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        kind, name = self._named(url.path)
        assert name is not None
        body = self._body()
        manager = f"--field-manager={query['fieldManager']}"
        if self.headers["Content-Type"] == "application/apply-patch+yaml":
            node = yaml.safe_load(body)
            node["metadata"].pop("namespace", None)
            dry = ["--dry-run=server"] if query.get("dryRun") == "All" else []
            force = ["--force-conflicts"] if query.get("force") == "true" else []
            flags = ("--server-side", *force, manager)
            done = self.cluster.ask("apply", *flags, *dry, text=yaml.safe_dump(node))
            seen = node if dry else None
        else:
            assert self.headers["Content-Type"] == "application/json-patch+json"
            done = self.cluster.ask("patch", f"{kind.lower()}/{name}", f"--patch={body}", manager)
            seen = None
        if done.returncode != 0:
            self._refuse(422, "Invalid", done.stderr)
        else:
            self._answer(200, self._seen(seen or self.cluster.node(kind, name)))

    def do_POST(self) -> None:
        made = self.cluster.ask("create", text=self._body()).stdout.partition("/")[2]
        self._answer(201, self._seen(self.cluster.node("Job", made)))

    def do_DELETE(self) -> None:
        kind, name = self._named(urlsplit(self.path).path)
        self.cluster.ask("delete", f"{kind.lower()}/{name}")
        self._answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def _named(self, path: str) -> tuple[str, str | None]:
        found = PATH.fullmatch(path)
        assert found, path
        version = found["group"] or "v1"
        [kind] = [kind for kind, one in KINDS.items() if one[:2] == (version, found["plural"])]
        return kind, found["name"]

    def _listed(self, kind: str, query: dict[str, list[str]]) -> list[Node]:
        words = ["-l", query["labelSelector"][0]] if "labelSelector" in query else []
        found = self.cluster.ask("get", KINDS[kind][1], *words).stdout
        items: list[Node] = json.loads(found)["items"]
        if "fieldSelector" in query:
            name = query["fieldSelector"][0].partition("metadata.name=")[2]
            items = [one for one in items if one["metadata"]["name"] == name]
        return items

    def _seen(self, node: Node) -> Node:
        """An object as the API returns it, with the status of a Deployment."""
        kind = node.get("kind", "ReplicaSet")
        metadata: Node = {"namespace": "ml-services", "name": "any", "uid": "1"}
        metadata |= node.get("metadata", {})
        metadata |= {"resourceVersion": "1", "generation": 1, "creationTimestamp": None}
        node = {"apiVersion": KINDS[kind][0], **node, "metadata": metadata}
        if kind == "Secret":
            texts = node.pop("stringData", {}).items()
            node["data"] = {key: b64encode(text.encode()).decode() for key, text in texts}
        if kind == "Deployment":
            bad = "bad" in json.dumps(node["spec"]["template"])
            replicas = node["spec"].get("replicas", 1)
            done = 0 if bad else replicas
            reason = "ProgressDeadlineExceeded" if bad else "NewReplicaSetAvailable"
            node["status"] = {
                "observedGeneration": 1,
                "replicas": replicas,
                "updatedReplicas": done,
                "availableReplicas": done,
                "conditions": [{"type": "Progressing", "status": str(not bad), "reason": reason}],
            }
        return node

    def _watch(self, items: list[Node]) -> None:
        lines = [json.dumps({"type": "ADDED", "object": one}) for one in items]
        self._send(200, "".join(f"{line}\n" for line in lines).encode())

    def _body(self) -> str:
        return self.rfile.read(int(self.headers["Content-Length"])).decode()

    def _refuse(self, code: int, reason: str, message: str) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        self._answer(code, status | {"reason": reason, "message": message, "code": code})

    def _answer(self, code: int, content: Node) -> None:
        self._send(code, json.dumps(content).encode())

    def _send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(cluster: RecordingCluster, folder: Path, context: str = "recording") -> Iterator[Path]:
    """Serve a cluster on loopback.

    Args:
        cluster: What answers.
        folder: Where kubectl's configuration is written.
        context: Its name in that configuration; the current one is another if it is given.

    Yields:
        The configuration, for the variable KUBECONFIG.
    """
    handler = type("Bound", (Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    config = folder / "kubeconfig"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": context, "cluster": {"server": address}}],
                "contexts": [{"name": context, "context": {"cluster": context, "user": "me"}}],
                "users": [{"name": "me", "user": {"token": "x"}}],
                "current-context": "recording",
            }
        ),
        encoding="utf-8",
    )
    try:
        yield config
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
