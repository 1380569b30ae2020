import re
from collections.abc import Callable

from starlette.testclient import TestClient

Start = Callable[..., TestClient]


def test_the_page_lists_every_endpoint_and_schema(start: Start) -> None:
    client = start()
    page = client.get("/docs").text
    schema = client.get("/openapi.json").json()
    for path in schema["paths"]:
        assert f"{path}</code></h2>" in page
    for name in schema["components"]["schemas"]:
        assert f'<h3 id="{name}">' in page


def test_the_page_loads_nothing(start: Start) -> None:
    page = start().get("/docs").text
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="([^"#]+)"', page) == ["openapi.json"]


def test_the_page_escapes_what_it_shows(start: Start) -> None:
    page = start().get("/docs").text
    assert "<h1>Example &lt;service&gt; 1.2.3</h1>" in page


def test_the_front_page_says_what_the_service_is_and_leads_to_the_docs(start: Start) -> None:
    client = start()
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Example &lt;service&gt; 1.2.3</h1>\n<p>For tests.</p>" in answer.text
    assert re.findall(r'(?:src|href)="([^"]+)"', answer.text) == ["docs", "openapi.json", "ready"]
    policies = {client.get(path).headers["content-security-policy"] for path in ("/", "/docs")}
    assert len(policies) == 1
    assert "<script" not in answer.text


def test_the_front_page_is_no_endpoint_of_the_api(start: Start) -> None:
    client = start()
    assert "/" not in client.get("/openapi.json").json()["paths"]
    assert client.post("/").status_code == 405


def test_docs_can_be_switched_off(start: Start) -> None:
    client = start(docs=False)
    assert client.get("/").status_code == 404
    assert client.get("/docs").status_code == 404
    assert client.get("/openapi.json").status_code == 404


def test_every_answer_has_security_headers(start: Start) -> None:
    client = start()
    for path in ("/plain", "/nowhere", "/", "/docs", "/boom"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert "server" not in headers
