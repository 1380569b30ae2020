"""A transformer learns other labels than those of the shipped declaration."""

import json
from pathlib import Path

import pytest
from own_labels import FOUR_TOPICS, SPOKEN, TOPICS, Workplace, requests_of
from servicekit.testing import ask

pytest.importorskip("torch", reason="fine-tuning needs torch: make train-env-NLPInsight-Analyzer")

pytestmark = [pytest.mark.slow, pytest.mark.nightly, pytest.mark.timeout(600)]


def test_a_transformer_of_four_topics_is_trained_served_and_explained(tmp_path: Path) -> None:
    work = Workplace(tmp_path, FOUR_TOPICS)
    data = work.write("own.csv", requests_of(SPOKEN, 500))
    work.run(
        *("train", "--backend", "transformer", "--data", data, "--folds", "2", "--epochs", "2"),
        *("--batch-size", "16", "--max-length", "32", "--threads", "1"),
    )
    metrics = work.report()["evaluation"]["metrics"]
    assert metrics["accuracy"] > 0.9
    assert list(metrics["labels"]) == list(TOPICS)

    text = "my password and the login code is locked"
    with work.serve() as service:
        answer = ask(service, "/predict?explain=true", {"text": text})
    assert answer["model"] == "transformer"
    assert answer["prediction"]["label"] == answer["explanation"]["label"] == "account access"
    assert list(answer["prediction"]["all_scores"]) == list(TOPICS)
    manifest = json.loads((tmp_path / "models/nlpinsight/manifest.json").read_bytes())
    assert set(manifest["golden"]["outputs"]["label"]) <= set(TOPICS)
