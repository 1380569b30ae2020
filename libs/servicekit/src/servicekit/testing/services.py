"""Conformance of a running service: HTTP, documentation, keys, readiness and shutdown.

A service's tests derive a class from `ServiceConformance`, or from `JsonConformance` where it
takes JSON. The cases run against the service as a process.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx2
import pytest

from servicekit.launch import WAIT_S, wait_until
from servicekit.testing.live_service import LiveService
from servicekit.testing.raw_requests import CASES, RawCase

KEY: Final = "k" * 32
PROBLEM: Final = "application/problem+json"
PROBES: Final = ("/health", "/ready", "/metrics")

Document = dict[str, Any]


class ServiceConformance:
    """What every service does.

    The class needs a fixture ``environment`` of the scope ``class``: the environment variables
    that the service needs, ``MODEL_DIR`` among them.

    Attributes:
        package: The service's package, run by ``python -m``.
        requests: Requests that are answered with 200 by a ready service: a path, and the JSON of
            a POST, or None for a GET.
        answered_without_model: Those that are answered without a model, too.
    """

    package: ClassVar[str]
    requests: ClassVar[Mapping[str, object]]
    answered_without_model: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def launch(cls, environment: Mapping[str, str], **settings: object) -> LiveService:
        """Make a live service, to be used as a context manager."""
        return LiveService(["-m", cls.package, "serve"], environment, settings)

    @classmethod
    def send(
        cls, service: LiveService, path: str, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Send one of the requests."""
        body = cls.requests[path]
        method = "GET" if body is None else "POST"
        url = service.url + path
        return httpx2.request(method, url, json=body, headers=headers, timeout=WAIT_S)

    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, environment: dict[str, str]) -> Iterator[LiveService]:
        """A ready service. None of the requests that it gets may make it log an error."""
        with cls.launch(environment) as service:
            service.wait_until_ready()
            yield service
            assert [line for line in service.lines if line["level"] == "error"] == []
            assert service.stop() == 0
        assert service.errors == ""

    @pytest.fixture(scope="class")
    @classmethod
    def document(cls, service: LiveService) -> Document:
        """The service's OpenAPI document."""
        found: Document = service.get("/openapi.json").json()
        return found

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_raw_http_is_answered_in_one_reading_or_refused(
        self, service: LiveService, case: RawCase
    ) -> None:
        case.check(service)

    def test_its_requests_are_answered(self, service: LiveService) -> None:
        answers = {path: self.send(service, path).status_code for path in self.requests}
        assert answers == dict.fromkeys(self.requests, 200)

    def test_model_info_names_the_versions_that_run_and_that_wrote_the_model(
        self, service: LiveService
    ) -> None:
        info = service.get("/model_info").json()
        assert info["verdict"] == "proven"
        assert info["running"] == info["manifest"]["written_with"]
        assert {self.package, "numpy"} <= info["running"].keys()

    def test_the_docs_load_their_own_assets_under_a_policy_without_inline_scripts(
        self, service: LiveService
    ) -> None:
        page = service.get("/docs")
        assets = re.findall(r'(?:src|href)="([^":]+)"', page.text)
        kinds = {path: service.get(f"/{path}").headers["content-type"] for path in assets}
        assert sorted(kind.partition(";")[0] for kind in kinds.values()) == [
            "text/css",
            "text/javascript",
            "text/javascript",
        ]
        assert "//" not in page.text
        assert "script-src 'self';" in page.headers["content-security-policy"]

    def test_the_front_page_links_to_the_docs(self, service: LiveService) -> None:
        answer = service.get("/")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert re.search(r'href="/?docs"', answer.text)

    def test_unknown_and_repeated_query_parameters_are_refused_and_named(
        self, service: LiveService, document: Document
    ) -> None:
        checked = 0
        for path, method, operation in _operations(document):
            known = [one for one in operation.get("parameters", []) if one["in"] == "query"]
            for name, query in [
                ("Unknown", "Unknown=1"),
                *((one["name"], f"{one['name']}=1&{one['name']}=1") for one in known),
            ]:
                answer = httpx2.request(method, f"{service.url}{path}?{query}", timeout=WAIT_S)
                assert answer.status_code == 422, (path, query)
                assert [one["field"] for one in answer.json()["errors"]] == [name]
                checked += 1
        assert checked > len(self.requests)

    def test_keys_are_asked_for_wherever_there_is_data(self, environment: dict[str, str]) -> None:
        with self.launch(environment, api_keys=KEY) as service:
            service.wait_until_ready()
            for path in self.requests:
                refused = self.send(service, path)
                assert (refused.status_code, refused.headers["content-type"]) == (401, PROBLEM)
                assert self.send(service, path, {"X-API-Key": KEY}).status_code == 200
                bearer = {"Authorization": f"Bearer {KEY}"}
                assert self.send(service, path, bearer).status_code == 200
            assert service.get("/model_info").status_code == 401
            for path in (*PROBES, "/", "/docs", "/docs/swagger-ui.css", "/openapi.json"):
                assert service.get(path).status_code == 200
            document = service.get("/openapi.json").json()
            assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"

    def test_a_changed_model_is_refused_and_not_used(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        model = tmp_path / "model"
        shutil.copytree(environment["MODEL_DIR"], model)
        files = [file for file in model.iterdir() if file.name != "manifest.json"]
        largest = max(files, key=lambda file: file.stat().st_size)
        contents = bytearray(largest.read_bytes())
        contents[len(contents) // 2] ^= 1
        largest.write_bytes(contents)
        with self.launch(environment | {"MODEL_DIR": str(model)}) as service:
            wait_until(lambda: "refusal" in service.get("/ready").json(), "it is refused")
            ready = service.get("/ready")
            assert (ready.status_code, ready.json()["refusal"]) == (503, "file-digest")
            health = service.get("/health")
            assert (health.status_code, health.json()["model_loaded"]) == (200, False)
            for path in self.answered_without_model:
                assert self.send(service, path).status_code == 200
            for path in self.requests.keys() - self.answered_without_model:
                answer = self.send(service, path)
                assert answer.status_code == 503
                assert answer.json()["type"] == "urn:problem-type:model-not-ready"
                assert answer.json()["status"] == 503

    def test_a_model_in_a_folder_whose_name_is_not_utf8_is_served(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        model = tmp_path / os.fsdecode(b"mod\xe8le")
        own = environment | {"MODEL_DIR": str(model)}
        with self.launch(own) as service:
            wait_until(lambda: "refusal" in service.get("/ready").json(), "it is refused")
            assert "There is no sealed model at" in service.get("/ready").json()["detail"]
        shutil.copytree(environment["MODEL_DIR"], model)
        with self.launch(own) as service:
            service.wait_until_ready()
            assert service.get("/model_info").status_code == 200

    def test_after_sigterm_it_is_not_ready_still_answers_and_ends_with_0(
        self, environment: dict[str, str]
    ) -> None:
        with self.launch(environment, drain_s=5) as service:
            service.wait_until_ready()
            service.signal()
            wait_until(lambda: service.get("/ready").status_code == 503, "it drains")
            assert service.get("/ready").json()["type"] == "urn:problem-type:draining"
            for path in self.requests:
                answer = self.send(service, path)
                assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            assert service.wait() == 0
        assert service.errors == ""


class JsonConformance(ServiceConformance):
    """What every service does that takes JSON.

    Attributes:
        bad_bodies: Bodies that no endpoint takes, besides those that no service takes.
        max_batch_rows: The most rows of a batch.
    """

    bad_bodies: ClassVar[tuple[str, ...]] = ()
    max_batch_rows: ClassVar[int]

    def post(
        self, service: LiveService, path: str, body: str | bytes, kind: str = "application/json"
    ) -> httpx2.Response:
        """Post a body."""
        headers = {"Content-Type": kind}
        return httpx2.post(service.url + path, content=body, headers=headers, timeout=WAIT_S)

    def test_the_documented_example_of_every_body_is_a_valid_request(
        self, service: LiveService, document: Document
    ) -> None:
        answers = {
            path: httpx2.post(
                service.url + path, json=_example_body(operation, document), timeout=WAIT_S
            ).status_code
            for path, method, operation in _operations(document)
            if method == "POST"
        }
        assert answers == dict.fromkeys(self._posts(), 200)

    def test_a_body_that_is_no_request_is_a_validation_error(self, service: LiveService) -> None:
        for path in self._posts():
            for body in ("", "[]", "null", "{", '"x"', *self.bad_bodies):
                answer = self.post(service, path, body)
                assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM), body
                assert answer.json()["type"] == "urn:problem-type:validation"

    def test_a_body_that_costs_too_much_is_not_validated(
        self, service: LiveService, document: Document
    ) -> None:
        fields = ",".join(f'"field{number}": 0' for number in range(60_000))
        bodies = [(path, f"{{{fields}}}") for path in self._posts()]
        batches = [(path, name) for path in self._posts() for name in _lists(path, document)]
        assert batches
        for path, name in batches:
            bodies.append((path, f'{{"{name}": [' + "{}," * 349_000 + "{}]}"))
            bodies.append((path, f'{{"{name}": [' + "0," * 520_000 + "0]}"))
        for path, body in bodies:
            answer = self.post(service, path, body)
            assert answer.status_code == 422
            assert answer.json()["type"] == "urn:problem-type:json-too-complex"
            assert len(answer.content) < 10_000

    def test_a_body_beyond_the_bound_is_413(self, service: LiveService) -> None:
        for path in self._posts():
            answer = self.post(service, path, b" " * (10 * 2**20))
            assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)

    def test_a_body_that_is_not_json_is_415(self, service: LiveService) -> None:
        for path in self._posts():
            assert self.post(service, path, b"a,b", "text/csv").status_code == 415

    def test_a_batch_is_bounded_and_its_bound_is_named(
        self, service: LiveService, document: Document
    ) -> None:
        batches = [(path, name) for path in self._posts() for name in _lists(path, document)]
        assert batches
        for path, name in batches:
            assert _lists(path, document)[name] == self.max_batch_rows
            body = self.requests[path]
            assert isinstance(body, dict)
            full = body | {name: body[name][:1] * self.max_batch_rows}
            answer = httpx2.post(service.url + path, json=full, timeout=WAIT_S)
            assert (answer.status_code, len(answer.json()["predictions"])) == (200, len(full[name]))
            more = body | {name: body[name][:1] * (self.max_batch_rows + 1)}
            answer = httpx2.post(service.url + path, json=more, timeout=WAIT_S)
            [error] = answer.json()["errors"]
            assert (answer.status_code, error["field"], error["code"]) == (422, name, "too_long")
            assert f"at most {self.max_batch_rows} items" in error["message"]

    def _posts(self) -> list[str]:
        paths = (path.partition("?")[0] for path, body in self.requests.items() if body is not None)
        return list(dict.fromkeys(paths))


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """The documented operations but the probes: path, method and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path not in PROBES:
                yield path, method.upper(), operation


def _schema(operation: Document, document: Document) -> Document:
    content: Document = operation["requestBody"]["content"]["application/json"]
    return _resolved(content["schema"], document)


def _resolved(schema: Document, document: Document) -> Document:
    if "$ref" not in schema:
        return schema
    found: Document = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _lists(path: str, document: Document) -> dict[str, int]:
    """The bounded lists in a body, by name, and the most items of each."""
    properties = _schema(document["paths"][path]["post"], document)["properties"]
    return {name: one["maxItems"] for name, one in properties.items() if "maxItems" in one}


def _example_body(operation: Document, document: Document) -> object:
    """The body that Swagger UI fills in: the schema's example, or one of its parts' examples."""
    return _example(_schema(operation, document), document)


def _example(schema: Document, document: Document) -> object:
    schema = _resolved(schema, document)
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [_example(schema["items"], document)]
    assert schema.get("type") == "object", f"no example in {schema}"
    return {name: _example(schema["properties"][name], document) for name in schema["required"]}
