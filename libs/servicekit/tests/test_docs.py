import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from servicekit.testing import LiveService
from starlette.testclient import TestClient

Start = Callable[..., TestClient]

KEY = "k" * 32
ASSETS = {
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/setup.js": "text/javascript; charset=utf-8",
}


def test_the_docs_page_loads_its_own_assets_and_nothing_else(start: Start) -> None:
    client = start()
    answer = client.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert sorted(f"/{path}" for path in loaded if path != "data:,") == sorted(ASSETS)
    assert not re.search(r"https?://", answer.text)
    for path, media_type in ASSETS.items():
        asset = client.get(path)
        assert asset.status_code == 200
        assert asset.headers["content-type"] == media_type
        assert len(asset.content) > 100


def test_the_docs_page_runs_no_inline_script(start: Start) -> None:
    answer = start().get("/docs")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
    assert re.findall(r"<script[^>]*>([^<]*)</script>", answer.text) == ["", ""]


def test_the_docs_page_escapes_what_it_shows(start: Start) -> None:
    assert "<title>Example &lt;service&gt;</title>" in start().get("/docs").text


def test_assets_need_no_key_and_may_be_cached(start: Start) -> None:
    client = start(api_keys=(KEY,))
    for path in ASSETS:
        assert client.get(path).status_code == 200
    assert client.get("/docs/swagger-ui.css").headers["cache-control"] == "public, max-age=3600"
    assert client.get("/docs/other.js").status_code == 401


def test_the_front_page_says_what_the_service_is_and_leads_to_the_docs(start: Start) -> None:
    client = start()
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Example &lt;service&gt; 1.2.3</h1>\n<p>For tests.</p>" in answer.text
    assert re.findall(r'(?:src|href)="([^"]+)"', answer.text) == ["docs", "openapi.json", "ready"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text


def test_the_front_page_is_no_endpoint_of_the_api(start: Start) -> None:
    client = start()
    assert "/" not in client.get("/openapi.json").json()["paths"]
    assert client.post("/").status_code == 405


def test_docs_can_be_switched_off(start: Start) -> None:
    client = start(docs=False)
    for path in ("/", "/docs", "/openapi.json", *ASSETS):
        assert client.get(path).status_code == 404


def test_every_answer_has_security_headers(start: Start) -> None:
    client = start()
    for path in ("/plain", "/nowhere", "/", "/docs", "/boom"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert "server" not in headers


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: install Debian's package chromium")
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*flags, "--disable-sync"])
        yield browser
        browser.close()


def test_in_a_browser_a_request_is_tried_out_with_a_key(
    browser: Browser, live: Callable[..., LiveService]
) -> None:
    with live(api_keys=KEY) as service:
        service.wait_until_ready()
        page = browser.new_page()
        requests: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{service.url}/docs")

        page.locator(".auth-wrapper .authorize").first.click()
        dialog = page.locator(".modal-ux")
        dialog.locator("input").first.fill(KEY)
        dialog.locator("button.authorize").first.click()
        dialog.locator(".close-modal").click()
        operation = page.locator("#operations-default-predict_predict_post")
        operation.locator(".opblock-summary-control").click()
        assert operation.locator("textarea").input_value() == '{\n  "x": 1.5\n}'
        operation.locator(".execute").click()

        expect(
            operation.locator(".live-responses-table .response-col_status").last
        ).to_contain_text("200")
        expect(operation.locator(".live-responses-table .highlight-code").first).to_contain_text(
            '"y": 3'
        )
        page.close()
    assert complaints == []
    assert all(url.startswith((f"{service.url}/", "data:")) for url in requests), requests


def test_paths_that_need_no_key_say_so_in_the_document(start: Start) -> None:
    client = start(api_keys=(KEY,))
    paths: dict[str, dict[str, dict[str, object]]] = client.get("/openapi.json").json()["paths"]
    for path in ("/health", "/ready", "/metrics"):
        assert paths[path]["get"]["security"] == []
    assert "security" not in paths["/model_info"]["get"]
    assert "security" not in start().get("/openapi.json").json()["paths"]["/health"]["get"]
