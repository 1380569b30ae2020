"""Other labels are a change of the declaration in schema.py, and a training.

Each test writes another declaration into a copy of the package, and runs the commands of "Your own
data" in README.md: generate, train, evaluate, predict, explain, serve.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from nlpinsight.schema import LABELS, check_labels
from own_labels import FOUR_TOPICS, SPOKEN, TOPICS, TWO_LABELS, Workplace, requests_of
from servicekit.testing import ask


def test_four_topics_are_trained_evaluated_served_and_explained(tmp_path: Path) -> None:
    work = Workplace(tmp_path, FOUR_TOPICS)
    rows = requests_of(SPOKEN, 600)
    spelled = {"billing": "Invoice", "Returns": "returns"}
    training = [(text, spelled.get(label, label)) for text, label in rows[:450]]
    work.run("train", "--data", work.write("own.csv", training))
    trained = work.report()
    assert trained["evaluation"]["metrics"]["accuracy"] > 0.95
    work.run("evaluate", work.write("later.csv", rows[450:]))
    evaluated = work.report()
    assert list(evaluated["evaluation"]["metrics"]["labels"]) == list(TOPICS)
    assert {label: evaluated["data"][label] for label in TOPICS} == Counter(
        label for _, label in rows[450:]
    )

    text = "I forgot the password and the login is locked"
    with work.serve() as service:
        alone = ask(service, "/predict?explain=true", {"text": text})
        batch = ask(service, "/predict_batch", {"texts": [{"text": one} for one, _ in rows[450:]]})
        document = service.get("/openapi.json").json()
        predictions = service.metric('model_predictions_total{class="account access"}')
    assert alone["prediction"]["label"] == "account access"
    assert list(alone["prediction"]["all_scores"]) == list(TOPICS)
    explanation = alone["explanation"]
    assert explanation["label"] == "account access"
    moved = {word["word"]: word["contribution"] for word in explanation["words"]}
    assert {"password", "login", "locked"} == set(sorted(moved, key=moved.__getitem__)[-3:])
    labels = [one["label"] for one in batch["predictions"]]
    assert sum(found == true for found, (_, true) in zip(labels, rows[450:], strict=True)) > 140
    assert predictions == 1 + labels.count("account access")
    assert document["components"]["schemas"]["Sentiment"]["properties"]["label"]["enum"] == [
        *TOPICS
    ]
    assert "Topic of a request to a help desk: billing, delivery" in document["info"]["description"]
    manifest = json.loads((tmp_path / "models/nlpinsight/manifest.json").read_bytes())
    assert set(manifest["golden"]["outputs"]["label"]) == set(TOPICS)

    work.run("predict", "later.csv", "out.csv")
    written = work.read("out.csv")
    assert [row["prediction"] for row in written] == labels
    assert list(written[0])[2:8] == ["prediction", "confidence", *TOPICS]
    why = work.run("explain", text, "--label", "billing", "--json")
    assert json.loads(why)["label"] == "billing"

    refused = work.run("train", "--data", work.write("bad.csv", [("a b", "support")]), code=2)
    assert "'support'" in refused
    assert "one of billing, delivery, Returns, account access, invoice" in refused


def test_numbers_of_four_labels_are_read_in_their_order(tmp_path: Path) -> None:
    work = Workplace(tmp_path, FOUR_TOPICS)
    rows = requests_of(SPOKEN, 400)
    numbered = [(text, TOPICS.index(label) + 1) for text, label in rows]
    data = work.write("own.csv", numbered)
    refused = work.run("train", "--data", data, code=2)
    assert "ascending (0, 1, 2, 3 or 1, 2, 3, 4 for billing, delivery, Returns," in refused
    assert "tfns" not in refused
    work.run("train", "--data", data, "--labels", "ascending")
    assert work.report()["data"]["label_map"] == {
        "1": "billing",
        "2": "delivery",
        "3": "Returns",
        "4": "account access",
    }


def test_two_labels_are_trained_on_generated_texts_and_explained_exactly(tmp_path: Path) -> None:
    work = Workplace(tmp_path, TWO_LABELS)
    work.run("generate", "sample.csv", "--texts", "800")
    assert {row["label"] for row in work.read("sample.csv")} == {"ham", "spam"}
    work.run("train", "--data", "sample.csv")
    # 6% of the labels of the sample are drawn from the other labels.
    assert work.report()["evaluation"]["metrics"]["accuracy"] > 0.88

    texts = ["Kestrel Motors spam jumps this year", "Kestrel Motors ham jumps this year"]
    with work.serve() as service:
        batch = ask(service, "/predict_batch", {"texts": [{"text": one} for one in texts]})
        why = ask(service, "/predict?explain=true", {"text": texts[0]})["explanation"]
    assert [one["label"] for one in batch["predictions"]] == ["spam", "ham"]
    for one in batch["predictions"]:
        assert sum(one["all_scores"].values()) == pytest.approx(1, abs=1e-12)
    assert why["exact"]
    total = why["base"] + sum(word["contribution"] for word in why["words"])
    assert total == pytest.approx(why["value"], abs=1e-9)
    assert max(why["words"], key=lambda word: word["contribution"])["word"] == "spam"


def test_a_model_of_other_labels_is_refused(sealed: Path, tmp_path: Path) -> None:
    work = Workplace(tmp_path, FOUR_TOPICS)
    refused = work.run(
        "predict",
        *(work.write("in.csv", [("a b", "billing")]), "out.csv", "--model", str(sealed)),
        code=1,
    )
    assert "billing" in refused
    assert "negative" in refused


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("spam",), "two or more names"),
        ((), "two or more names"),
        (("Spam", "spam"), "differ in more than case"),
        (("spam", "text"), "'text'"),
        (("a", "Confidence"), "'Confidence'"),
        (("a,b", "c"), "'a,b'"),
        (("a@b", " c"), r"'a@b', ' c'"),
        (("", "c"), "''"),
    ],
)
def test_labels_that_no_format_could_hold_are_refused(
    labels: tuple[str, ...], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        check_labels(labels)


def test_the_declared_labels_are_valid() -> None:
    check_labels(LABELS)
