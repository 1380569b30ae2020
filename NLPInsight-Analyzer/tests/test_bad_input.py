"""What nobody should send, over real sockets: a clear refusal or a right answer, never a crash."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from servicekit.testing import LiveService


@pytest.fixture(scope="module")
def service(sealed: Path) -> Iterator[LiveService]:
    with LiveService(["-m", "nlpinsight", "serve"], {"MODEL_DIR": str(sealed)}, {}) as service:
        service.wait_until_ready()
        yield service


def post(service: LiveService, path: str, body: str | bytes) -> httpx2.Response:
    headers = {"content-type": "application/json"}
    return httpx2.post(service.url + path, content=body, headers=headers, timeout=60)


def ask(service: LiveService, text: str) -> dict[str, Any]:
    response = post(service, "/predict", json.dumps({"text": text}))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()["prediction"]
    return answer


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"text": ""}', id="empty"),
        pytest.param('{"text": " \\n\\t "}', id="white space"),
        pytest.param('{"text": "\\u200b\\u200d\\ufeff"}', id="zero-width"),
        pytest.param('{"text": "\\u0000"}', id="null byte"),
        pytest.param('{"text": "https://t.co/x"}', id="only a link"),
        pytest.param('{"text": "\\ud800"}', id="lone surrogate"),
        pytest.param('{"text": "profit \\udfff rises"}', id="lone surrogate inside"),
        pytest.param(json.dumps({"text": "x" * 1_000_000}), id="1 MB"),
        pytest.param(json.dumps({"text": "\U0001f680" * 20_001}), id="one character too many"),
        pytest.param(json.dumps({"text": "\ufdfa" * 20_000}), id="too long once normalised"),
        pytest.param('{"text": 5}', id="number"),
        pytest.param('{"text": true}', id="truth value"),
        pytest.param('{"text": null}', id="null"),
        pytest.param('{"text": ["up"]}', id="list"),
        pytest.param('{"text": {"text": "up"}}', id="object"),
        pytest.param('{"text": NaN}', id="NaN"),
        pytest.param("{}", id="nothing"),
        pytest.param('{"text": "up", "model": "transformer"}', id="unknown field"),
        pytest.param('{"text": "up"', id="broken JSON"),
    ],
)
def test_an_invalid_text_is_a_clear_422(service: LiveService, body: str) -> None:
    response = post(service, "/predict", body)

    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["type"]) == (422, "urn:problem-type:validation")
    assert problem["errors"][0]["message"]
    assert len(response.content) < 2_000, "it does not echo what was sent"


def test_an_invalid_document_is_a_clear_400(service: LiveService) -> None:
    response = post(service, "/predict", b'{"text": "\xff\xfe"}')

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param('{"text": ' + "[" * 100_000, "json-too-complex", id="too deep"),
        pytest.param('{"text": "up", "text": "down"}', "duplicate-key", id="a field twice"),
    ],
)
def test_json_that_is_not_read_is_a_clear_422(service: LiveService, body: str, code: str) -> None:
    response = post(service, "/predict", body)

    assert (response.status_code, response.json()["type"]) == (422, f"urn:problem-type:{code}")
    assert len(response.content) < 2_000


def test_a_body_beyond_the_bound_is_a_clear_413(service: LiveService) -> None:
    response = post(service, "/predict", json.dumps({"text": "x" * 2**20}))

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


def test_a_batch_of_10_000_texts_is_a_clear_422(service: LiveService) -> None:
    response = post(service, "/predict_batch", json.dumps({"texts": [{"text": "up"}] * 10_000}))

    [error] = response.json()["errors"]
    assert response.status_code == 422
    assert (error["field"], error["code"]) == ("texts", "too_long")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\U0001f680\U0001f468\u200d\U0001f469\u200d\U0001f467", id="emoji"),
        pytest.param("ارتفعت أرباح الشركة", id="right to left"),
        pytest.param("\u202eprofit\u202c rises", id="direction marks"),
        pytest.param("pro\u200bfit ri\u00adses", id="zero-width inside"),
        pytest.param("profit\x00rises", id="null byte inside"),
        pytest.param("?", id="one mark"),
        pytest.param("a" + "\u0301\u0316" * 9_999, id="thousands of marks on one letter"),
        pytest.param("\ufdfa" * 1_111, id="characters that normalise to eighteen each"),
        pytest.param("word " * 4_000, id="as long as allowed"),
        pytest.param("x" * 20_000, id="one word as long as allowed"),
    ],
)
def test_odd_texts_are_answered(service: LiveService, text: str) -> None:
    answer = ask(service, text)

    assert sum(answer["all_scores"].values()) == pytest.approx(1)
    assert 0 < answer["used"] <= answer["total"]
    assert answer["truncated"] == (answer["used"] < answer["total"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("profit rises", "pro\u200bfit\ufeff rises"),
        ("profit rises", "  profit\n\trises "),
        ("profit rises", "profit\x00rises"),
        ("profit rises", "\uff50\uff52\uff4f\uff46\uff49\uff54 rises"),
        ("profit rises", "profit rises https://t.co/abc"),
    ],
)
def test_equal_normalised_texts_get_the_same_answer(
    service: LiveService, one: str, other: str
) -> None:
    assert ask(service, one) == ask(service, other)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_normal_form_of_a_text_gets_the_same_answer(
    service: LiveService, form: Literal["NFC", "NFD", "NFKC", "NFKD"]
) -> None:
    text = "Société Générale \ufb01nds pro\ufb01t, Å½ up — ½ of it ﷺ"

    assert ask(service, unicodedata.normalize(form, text)) == ask(service, text)


def test_the_service_is_still_well_after_all_of_it(service: LiveService) -> None:
    assert service.get("/ready").status_code == 200
    assert not [line for line in service.lines if line["level"] == "error"]
