"""The map in a real browser, from a real service, under the policy that it is sent with."""

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import predict
from chicagotaxi.api.map_page import render_page
from chicagotaxi.history.panel import Panel
from playwright.sync_api import Browser, Page, expect, sync_playwright
from servicekit.testing import LiveService
from synthetic import hourly

CHROMIUM = "/usr/bin/chromium"
KEY = "k" * 32
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")
    if found is None:
        pytest.skip(f"there is no {CHROMIUM}: install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, sealed: Path) -> Path:
    # All areas, and the week in which the clock skips an hour.
    levels = {area: 1.5 * (area % 9) ** 2 for area in range(1, 78)}
    panel = Panel.from_frame(hourly(days=64, levels=levels))
    folder = tmp_path_factory.mktemp("pipeline")
    predict(sealed, panel, folder)
    return folder


def make_service(sealed: Path, output: Path, **settings: object) -> LiveService:
    return LiveService(
        ["-m", "chicagotaxi", "serve"],
        {"MODEL_DIR": str(sealed), "PREDICTIONS_DIR": str(output / "predictions")},
        settings,
    )


@pytest.fixture(scope="module")
def service(sealed: Path, output: Path) -> Iterator[LiveService]:
    with make_service(sealed, output) as service:
        service.wait_until_ready()
        yield service


class Watched:
    """A page, its requests, and its errors."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@pytest.fixture
def watched(browser: Browser, service: LiveService) -> Iterator[Watched]:
    page = browser.new_page()
    watched = Watched(page)
    page.goto(service.url)
    expect(page.locator("#when")).to_contain_text("trips in the city")
    yield watched
    page.close()


def tile(page: Page, area: int) -> str:
    return page.locator(f'[data-area="{area}"] b').inner_text()


def test_every_area_is_a_tile_with_its_demand(watched: Watched, service: LiveService) -> None:
    page = watched.page
    assert page.locator("#map button").count() == 77
    day = page.locator("#day").input_value()
    rows = service.get(f"/demand?date={day}&hour=8&limit=1000").json()
    assert len(rows) == 77
    for row in rows:
        demand = row["predicted_demand"]
        shown = tile(page, row["pickup_community_area"])
        assert float(shown) == pytest.approx(demand, abs=0.51 if demand >= 10 else 0.051)
    label = page.locator('[data-area="32"]').get_attribute("aria-label")
    assert label == f"Loop: {tile(page, 32)} trips"


def test_it_requests_its_own_service_only_and_logs_no_error(
    watched: Watched, service: LiveService
) -> None:
    assert len(watched.requests) >= 3
    assert all(url.startswith(service.url + "/") for url in watched.requests)
    assert watched.complaints == []


def test_busier_areas_have_a_darker_colour(watched: Watched) -> None:
    page = watched.page
    steps = {}
    for area in range(1, 78):
        mark = page.locator(f'[data-area="{area}"]').get_attribute("class")
        assert mark is not None
        steps[area] = (float(tile(page, area)), int(mark.removeprefix("step-")))
    by_demand = sorted(steps.values())
    assert [step for _, step in by_demand] == sorted(step for _, step in by_demand)
    assert len({step for _, step in by_demand}) >= 4


def test_the_hour_is_chosen_by_keyboard(watched: Watched) -> None:
    page = watched.page
    before = tile(page, 8)
    page.locator("#day").focus()
    page.keyboard.press("Tab")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#clock")).to_have_text("17:00 to 18:00")
    expect(page.locator("#when")).to_contain_text("17:00")
    assert page.locator("#hour").get_attribute("aria-valuetext") == "17:00"
    assert tile(page, 8) != before
    page.keyboard.press("Home")
    expect(page.locator("#clock")).to_have_text("00:00 to 01:00")
    page.keyboard.press("End")
    expect(page.locator("#clock")).to_have_text("23:00 to 00:00")


def test_an_area_is_chosen_by_keyboard_and_its_figures_are_shown(watched: Watched) -> None:
    page = watched.page
    page.locator('[data-area="76"]').focus()
    page.keyboard.press("Enter")
    detail = page.locator("#detail")
    expect(detail).to_contain_text("76, O'Hare")
    expect(detail).to_contain_text(f"{tile(page, 76)} (")
    expect(page.locator('[data-area="76"]')).to_have_attribute("aria-pressed", "true")


def test_every_day_can_be_chosen_and_the_skipped_hour_says_so(watched: Watched) -> None:
    page = watched.page
    days = page.locator("#day option").all_inner_texts()
    assert days == [f"2025-03-{day:02d}" for day in range(6, 13)]
    page.select_option("#day", "2025-03-09")
    page.locator("#hour").fill("3")
    expect(page.locator("#when")).to_contain_text("2025-03-09, 03:00")
    page.locator("#hour").fill("2")
    expect(page.locator("#when")).to_contain_text("the clock has no such hour")
    assert tile(page, 8) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_a_tile_has_enough_contrast_in_both_colour_schemes(
    browser: Browser, service: LiveService, scheme: str
) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(service.url)
    expect(page.locator("#when")).to_contain_text("trips in the city")
    pairs = page.locator("#legend li").evaluate_all(
        "items => items.map(item => { const style = getComputedStyle(item);"
        " return [style.color, style.backgroundColor] })"
    )
    grounds = [luminance(ground) for _, ground in pairs]
    page.close()
    assert len(pairs) == 6
    for ink, ground in pairs:
        lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)
    # One direction only, so that it can be read without telling hues apart.
    assert grounds == sorted(grounds, reverse=scheme == "light")


def luminance(colour: str) -> float:
    """The relative luminance of ``rgb(1, 2, 3)``, as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_it_fits_a_phone(browser: Browser, service: LiveService) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 700})
    page.goto(service.url)
    expect(page.locator("#when")).to_contain_text("trips in the city")
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert width <= 375


def test_a_foreign_script_does_not_run_on_it(watched: Watched) -> None:
    page = watched.page
    page.evaluate(
        "() => { const own = document.createElement('script'); own.textContent = 'window.bad = 1';"
        " document.body.append(own); const other = document.createElement('img');"
        " other.src = 'https://example.org/x.png'; document.body.append(other) }"
    )
    assert page.evaluate("window.bad") is None
    assert any("Content Security Policy" in text for text in watched.complaints)


def test_the_page_asks_for_a_key_if_the_service_requires_one(
    browser: Browser, sealed: Path, output: Path
) -> None:
    with make_service(sealed, output, api_keys=KEY) as service:
        service.wait_until_ready()
        page = browser.new_page()
        page.goto(service.url)
        expect(page.locator("#when")).to_contain_text("requires an API key")
        page.locator("#key").fill(KEY)
        page.keyboard.press("Enter")
        expect(page.locator("#when")).to_contain_text("trips in the city")
        expect(page.locator("#entry")).to_be_hidden()
        page.close()


def test_the_policy_allows_this_style_and_script_and_nothing_else() -> None:
    page = render_page()
    policy = page.headers["Content-Security-Policy"]
    text = page.body.decode()
    for name in ("script", "style"):
        [content] = re.findall(rf"<{name}>(.*?)</{name}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert " style=" not in text
    assert "__" not in text
