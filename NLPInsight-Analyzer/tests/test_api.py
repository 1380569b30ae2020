"""The HTTP interface, through the whole application."""

import asyncio
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from nlpinsight.api import Settings, create_app
from nlpinsight.backends.tfidf import TfidfConfig
from nlpinsight.data.corpus import Corpus
from nlpinsight.explain import explain
from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.schema import LABELS, MAX_TEXT_CHARACTERS
from nlpinsight.text.normalisation import is_longer
from servicekit.testing import wait_until
from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client(sealed: Path) -> Iterator[TestClient]:
    settings = Settings.model_validate({"app_env": "test", "model_dir": sealed})
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        wait_until(lambda: client.get("/ready").status_code == 200, "the model is proven")
        yield client


def test_a_prediction_has_the_fields_that_clients_know(client: TestClient, sealed: Path) -> None:
    response = client.post("/predict", json={"text": "Acme beats estimates"})

    answer = response.json()
    assert response.status_code == 200
    assert answer["model"] == "tfidf"
    assert answer["inference_time_ms"] > 0
    assert answer["model_version"] == json.loads((sealed / "manifest.json").read_text())["version"]
    prediction = answer["prediction"]
    assert prediction["label"] == "positive"
    assert prediction["confidence"] == max(prediction["all_scores"].values())
    assert list(prediction["all_scores"]) == list(LABELS)
    assert (prediction["truncated"], prediction["unit"]) == (False, "characters")
    assert prediction["used"] == prediction["total"] == len("Acme beats estimates")


def test_alone_and_in_a_batch_a_text_gets_what_the_model_says(
    client: TestClient, model: SentimentModel, corpus: Corpus
) -> None:
    texts = [*corpus.texts[:90], "x" * 15_000]
    expected = [answer.model_dump() for answer in predict_sentiments(model, texts)]

    single = [client.post("/predict", json={"text": text}).json() for text in texts]
    batch = client.post("/predict_batch", json={"texts": [{"text": text} for text in texts]})

    assert [answer["prediction"] for answer in single] == expected
    assert batch.json()["predictions"] == expected
    assert batch.json()["count"] == len(texts)
    assert batch.json()["model"] == "tfidf"
    assert batch.json()["inference_time_ms"] > 0


def test_a_prediction_is_explained_on_request_only(
    client: TestClient, model: SentimentModel
) -> None:
    text = "Acme beats estimates, but debt rises"
    plain = client.post("/predict", json={"text": text}).json()
    explained = client.post("/predict?explain=true", json={"text": text}).json()

    assert plain["explanation"] is None
    assert explained["explanation"] == explain(model, text).model_dump()
    assert [word["word"] for word in explained["explanation"]["words"]] == text.split()
    assert explained["prediction"] == plain["prediction"]


def test_a_text_that_cannot_be_explained_is_refused_as_one_that_cannot_be_predicted(
    client: TestClient,
) -> None:
    body = {"text": " \u200b https://a.b"}
    plain = client.post("/predict", json=body)
    explained = client.post("/predict?explain=true", json=body)

    assert plain.status_code == explained.status_code == 422
    assert explained.json()["errors"] == plain.json()["errors"]


def test_the_ignored_end_of_a_long_text_is_reported(client: TestClient) -> None:
    prediction = client.post("/predict", json={"text": "word " * 3000}).json()["prediction"]

    assert prediction["truncated"] is True
    assert prediction["used"] == TfidfConfig().characters
    assert prediction["total"] == 14_999


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"text": "secret", "more": "secret"}, "texts.40.more"),
        ({"text": " \u200b https://secret"}, "texts.40.text"),
        ({"text": "\ufdfa" * 2_000}, "texts.40.text"),
    ],
)
def test_a_bad_text_of_a_batch_is_named_by_its_place_and_not_echoed(
    client: TestClient, bad: dict[str, str], field: str
) -> None:
    batch = [{"text": "up"}] * 40 + [bad] + [{"text": "up"}]

    response = client.post("/predict_batch", json={"texts": batch})

    [error] = response.json()["errors"]
    assert (response.status_code, error["field"]) == (422, field)
    assert "secret" not in response.text


@pytest.mark.parametrize(
    ("path", "body", "by_the_loop"),
    [
        ("/predict", {"text": "Acme \u2019beats\u2019 \U0001f680"}, True),
        ("/predict", {"text": "x" * 501}, False),
        ("/predict", {"text": "\ufdfa"}, False),
        ("/predict", {"text": "\ufdfa" * 20_000}, False),
        ("/predict_batch", {"texts": [{"text": "up"}]}, False),
        ("/predict_batch", {"texts": [{"text": "\ufdfa" * 20_000}] * 17}, False),
    ],
)
def test_what_can_grow_is_not_read_where_others_wait(
    client: TestClient,
    path: str,
    body: dict[str, Any],
    by_the_loop: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_loop, spelled_out = [], []

    def watch(form: Literal["NFKC"], text: str) -> str:
        spelled_out.append(len(unicodedata.normalize(form, text)))
        return unicodedata.normalize(form, text)

    def measure(text: str, limit: int) -> bool:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            on_loop.append(False)
        else:
            on_loop.append(True)
        return is_longer(text, limit)

    monkeypatch.setattr("nlpinsight.api.is_longer", measure)
    monkeypatch.setattr(
        "nlpinsight.text.normalisation.unicodedata",
        SimpleNamespace(**(vars(unicodedata) | {"normalize": watch})),
    )

    client.post(path, json=body)

    assert on_loop
    assert set(on_loop) == {by_the_loop}
    # Each piece keeps the interpreter to itself: 512 characters, eighteen for each at most.
    assert max(spelled_out, default=0) <= MAX_TEXT_CHARACTERS


def test_predictions_are_counted_by_label(client: TestClient) -> None:
    def counted() -> float:
        lines = client.get("/metrics").text.splitlines()
        values = [line for line in lines if line.startswith("model_predictions_total{")]
        assert all(any(f'class="{label}"' in line for label in LABELS) for line in values)
        return sum(float(line.rsplit(" ", 1)[1]) for line in values)

    before = counted()
    client.post("/predict", json={"text": "profit rises"})
    client.post("/predict_batch", json={"texts": [{"text": "profit falls"}] * 40})

    assert counted() - before == 41


def test_what_the_model_does_not_know_is_marked_and_counted(client: TestClient) -> None:
    def counted() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        values = [one for one in lines if one.startswith("prediction_warnings_total{")]
        return {one.split('"')[1]: float(one.rsplit(" ", 1)[1]) for one in values}

    foreign = "\u5229\u76ca\u304c\u5897\u52a0"
    alone = client.post("/predict", json={"text": foreign}).json()["prediction"]
    before = counted()
    texts = [{"text": foreign}, {"text": "zxqvk wprtl mnbqz profit"}, {"text": "profit rises"}]
    batch = client.post("/predict_batch", json={"texts": texts}).json()["predictions"]

    assert batch[0] == alone
    assert [one["in_vocabulary"] for one in batch] == [0, 0.25, 1]
    codes = [[warning["code"] for warning in one["warnings"]] for one in batch]
    assert codes == [["no_known_term"], ["mostly_unknown"], []]
    assert alone["warnings"][0].keys() == {"code", "field", "message"}
    assert counted() == {"no_known_term": before["no_known_term"] + 1, "mostly_unknown": 1}
