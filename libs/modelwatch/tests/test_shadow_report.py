"""The comparison of the model in use with the challenger in its shadow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelwatch.log import LogSchema
from modelwatch.profile import ReferenceProfile, Task, make_profile
from modelwatch.reporting.output import write_report
from modelwatch.reporting.report import Report, make_report
from modelwatch.reporting.shadow import ShadowReport
from modelwatch.reporting.shadow_differences import CategoryDifference, NumberDifference
from modelwatch.reporting.truth import OutcomeFile, store_truth
from modelwatch.store import FolderStore
from worlds import DAY, TASK, Columns, profile_of, sample, write_shadow, write_window


@pytest.fixture(scope="module")
def profile() -> ReferenceProfile:
    return profile_of(sample(10_000, np.random.default_rng(0)), task=TASK)


def changed(columns: Columns, margin: float, *, spread: float = 0.0) -> Columns:
    """The answers of a challenger whose log-odds are others."""
    random = np.random.default_rng(8)
    odds = np.array(columns["probability"])
    log_odds = np.log(odds / (1 - odds)) + margin + spread * random.normal(size=len(odds))
    probability = 1 / (1 + np.exp(-log_odds))
    return columns | {
        "probability": probability.tolist(),
        "label": np.where(probability >= 0.5, "1", "0").tolist(),
    }


def report_of(folder: Path, profile: ReferenceProfile) -> Report:
    store = FolderStore(folder / "log")
    if (folder / "outcomes.csv").exists():
        store_truth(store, OutcomeFile(folder / "outcomes.csv"))
    return make_report(store, profile, DAY, DAY)


def shadow_of(folder: Path, profile: ReferenceProfile) -> ShadowReport:
    found = report_of(folder, profile).shadow
    assert found is not None
    return found


def test_without_answers_of_a_shadow_there_is_no_comparison(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    write_window(tmp_path, sample(300, np.random.default_rng(2)))
    report = report_of(tmp_path, profile)
    assert report.shadow is None
    assert report.document()["shadow"] is None
    write_report(report, FolderStore(tmp_path / "report"), service="orders")
    assert "challenger" not in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "shadow" not in (tmp_path / "report" / "modelwatch.prom").read_text(encoding="utf-8")


def test_differences_are_those_of_the_answers_to_the_same_rows(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    columns = sample(5000, np.random.default_rng(2))
    other = changed(columns, 0.2, spread=0.5)
    write_window(tmp_path, columns)
    write_shadow(tmp_path, other, every=2)
    found = shadow_of(tmp_path, profile)

    assert (found.challenger, found.models) == ("b" * 64, {"b" * 64: 2500})
    assert (found.pairs, found.share, found.outcomes) == (2500, 0.5, 2500)
    before, after = (np.array(one["probability"])[::2] for one in (columns, other))
    difference = after - before
    probability = found.outputs["probability"]
    assert isinstance(probability, NumberDifference)
    assert probability.pairs == 2500
    assert probability.champion == pytest.approx(before.mean())
    assert probability.challenger == pytest.approx(after.mean())
    assert probability.mean == pytest.approx(difference.mean())
    assert probability.mean_absolute == pytest.approx(np.abs(difference).mean())
    for level, value in probability.quantiles.items():
        assert value == pytest.approx(np.quantile(difference, float(level)))
    assert sum(count for _, _, count in probability.grid) == 2500

    label = found.outputs["label"]
    assert isinstance(label, CategoryDifference)
    labels = [np.array(one["label"])[::2] for one in (columns, other)]
    assert label.agreement == pytest.approx((labels[0] == labels[1]).mean())
    for one, two, count in label.confusion:
        assert count == ((labels[0] == one) & (labels[1] == two)).sum()
    assert sum(count for _, _, count in label.confusion) == 2500

    spanish = np.array(columns["country"])[::2] == "Spain"
    group = found.groups["country"]["Spain"]
    assert group.pairs == spanish.sum()
    assert group.outputs["probability"]["mean"] == pytest.approx(difference[spanish].mean())
    assert group.outputs["label"]["agreement"] == pytest.approx(
        (labels[0] == labels[1])[spanish].mean()
    )
    assert set(found.groups["age"]) == {"below 30", "30 to 50", "from 50"}


@pytest.mark.parametrize(("spread", "better"), [(0.0, None), (1.0, False)])
def test_metrics_are_compared_on_the_same_rows(
    tmp_path: Path, profile: ReferenceProfile, spread: float, better: bool | None
) -> None:
    columns = sample(4000, np.random.default_rng(2))
    other = changed(columns, 0.0, spread=spread)
    write_window(tmp_path, columns)
    write_shadow(tmp_path, other)
    found = shadow_of(tmp_path, profile)

    assert found.compared == 4000
    assert list(found.metrics) == ["auc", "log_loss", "brier", "calibration_error"]
    outcome = np.array(columns["outcome"]) == "1"
    losses = [
        -np.log(np.where(outcome, scores, 1 - scores)).mean()
        for scores in (np.array(columns["probability"]), np.array(other["probability"]))
    ]
    one = found.metrics["log_loss"]
    assert one.champion == pytest.approx(losses[0])
    assert one.challenger == pytest.approx(losses[1])
    assert one.gain == pytest.approx(losses[0] - losses[1], abs=1e-12)
    assert one.low <= one.gain <= one.high
    if better is None:
        assert (one.low, one.high) == pytest.approx((0, 0), abs=1e-12)
    else:
        assert one.high < 0
        assert found.metrics["auc"].high < 0
        assert found.groups["country"]["France"].metrics["log_loss"].high < 0


def test_a_better_challenger_gains(tmp_path: Path, profile: ReferenceProfile) -> None:
    columns = sample(4000, np.random.default_rng(2))
    write_window(tmp_path, changed(columns, 0.0, spread=1.0))
    write_shadow(tmp_path, columns)
    found = shadow_of(tmp_path, profile)
    assert found.metrics["log_loss"].low > 0
    assert found.metrics["auc"].low > 0


def test_few_pairs_or_outcomes_are_not_compared(tmp_path: Path, profile: ReferenceProfile) -> None:
    columns = sample(1500, np.random.default_rng(2))
    write_window(tmp_path, columns)
    write_shadow(tmp_path, columns, every=10)
    report = report_of(tmp_path, profile)
    found = report.shadow
    assert found is not None
    assert (found.pairs, found.outputs, found.groups) == (150, {}, {})
    assert (found.outcomes, found.metrics) == (150, {})
    write_report(report, FolderStore(tmp_path / "report"), service="orders")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Too small: 150 pairs of answers; 200 are needed." in page


def test_without_outcomes_the_answers_are_compared_alone(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    columns = sample(400, np.random.default_rng(2))
    write_window(tmp_path, columns, truth=False)
    write_shadow(tmp_path, columns)
    report = report_of(tmp_path, profile)
    found = report.shadow
    assert found is not None
    assert set(found.outputs) == {"probability", "label"}
    assert (found.outcomes, found.compared, found.metrics) == (0, 0, {})
    write_report(report, FolderStore(tmp_path / "report"), service="orders")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Too small: 0 pairs with an outcome; 200 are needed." in page


def test_of_several_challengers_the_one_with_the_most_answers_is_compared(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    columns = sample(1000, np.random.default_rng(2))
    write_window(tmp_path, columns)
    write_shadow(tmp_path, changed(columns, 5.0), every=3, model="c" * 64)
    write_shadow(tmp_path, columns, every=2)
    found = shadow_of(tmp_path, profile)
    assert found.models == {"b" * 64: 500, "c" * 64: 334}
    assert (found.challenger, found.pairs) == ("b" * 64, 500)
    probability = found.outputs["probability"]
    assert isinstance(probability, NumberDifference)
    assert probability.mean_absolute == 0


def test_values_that_are_missing_or_no_numbers_are_left_out(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    columns = sample(600, np.random.default_rng(2))
    other = changed(columns, 0.0)
    other["probability"][:100] = [float("nan")] * 50 + [None] * 50
    other["label"][:30] = [None] * 30
    write_window(tmp_path, columns)
    write_shadow(tmp_path, other)
    found = shadow_of(tmp_path, profile)
    assert found.pairs == 600
    assert {name: one.pairs for name, one in found.outputs.items()} == {
        "probability": 500,
        "label": 570,
    }
    assert found.compared == 500


def test_large_windows_are_sampled_for_metrics(
    tmp_path: Path, profile: ReferenceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.reporting.shadow_metrics.MAX_COMPARED", 1000)
    monkeypatch.setattr("modelwatch.reporting.shadow_differences.MAX_SAMPLED", 1000)
    columns = sample(5000, np.random.default_rng(2))
    write_window(tmp_path, columns)
    write_shadow(tmp_path, changed(columns, 0.1))
    found = shadow_of(tmp_path, profile)
    assert (found.pairs, found.outcomes) == (5000, 5000)
    assert 800 < found.compared < 1200
    probability = found.outputs["probability"]
    assert isinstance(probability, NumberDifference)
    assert probability.pairs == 5000
    assert 800 < sum(count for _, _, count in probability.grid) < 1200


def test_classes_are_compared(tmp_path: Path) -> None:
    schema = LogSchema(features={"x": "number"}, outputs={"class": "category"})
    random = np.random.default_rng(5)
    outcome = random.choice(["a", "b", "c"], 900)
    right = {name: random.random(900) < share for name, share in (("one", 0.6), ("other", 0.8))}
    columns: dict[str, Columns] = {
        name: {
            "x": [0.0] * 900,
            "class": np.where(hits, outcome, "a").tolist(),
            "outcome": outcome.tolist(),
        }
        for name, hits in right.items()
    }
    profile = make_profile(
        schema,
        features={"x": [0.0] * 900},
        outputs={"class": columns["one"]["class"]},
        task=Task(kind="classes", output="class"),
    )
    write_window(tmp_path, columns["one"], schema=schema)
    write_shadow(tmp_path, columns["other"], schema=schema)
    found = shadow_of(tmp_path, profile)
    expected = [
        float((np.array(columns[name]["class"]) == outcome).mean()) for name in ("one", "other")
    ]
    accuracy = found.metrics["accuracy"]
    assert [accuracy.champion, accuracy.challenger] == pytest.approx(expected)
    assert accuracy.low > 0
    assert found.metrics["macro_f1"].low > 0


def test_numbers_are_compared_with_their_intervals(tmp_path: Path) -> None:
    schema = LogSchema(
        features={"x": "number"}, outputs={"demand": "number", "low": "number", "high": "number"}
    )
    random = np.random.default_rng(5)
    truth = random.gamma(5, 10, 1000)

    def answers(error: float, width: float) -> Columns:
        value = truth * (1 + error * random.normal(size=1000))
        return {
            "x": [0.0] * 1000,
            "demand": value.tolist(),
            "low": (value - width).tolist(),
            "high": (value + width).tolist(),
            "outcome": [repr(float(one)) for one in truth],
        }

    champion, challenger = answers(0.3, 10.0), answers(0.1, 20.0)
    profile = make_profile(
        schema,
        features={"x": champion["x"]},
        outputs={name: champion[name] for name in schema.outputs},
        task=Task(kind="number", output="demand", low="low", high="high", coverage=0.9),
    )
    write_window(tmp_path, champion, schema=schema)
    write_shadow(tmp_path, challenger, schema=schema)
    found = shadow_of(tmp_path, profile)
    assert set(found.metrics) == {"wape", "bias", "mae", "coverage"}
    errors = [np.abs(np.array(one["demand"]) - truth) for one in (champion, challenger)]
    wape, covered = found.metrics["wape"], found.metrics["coverage"]
    assert wape.champion == pytest.approx(errors[0].sum() / truth.sum())
    assert wape.challenger == pytest.approx(errors[1].sum() / truth.sum())
    assert wape.low > 0
    assert covered.champion == pytest.approx((errors[0] <= 10).mean())
    assert covered.challenger == pytest.approx((errors[1] <= 20).mean())


def test_the_files_of_a_report_have_the_comparison(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    columns = sample(2000, np.random.default_rng(2))
    columns["country"][:300] = ["<b>Atlantis</b>"] * 300
    write_window(tmp_path, columns)
    write_shadow(tmp_path, changed(columns, 0.3, spread=0.6), every=2)
    write_report(report_of(tmp_path, profile), FolderStore(tmp_path / "report"), service="orders")
    document: dict[str, Any] = json.loads((tmp_path / "report" / "report.json").read_bytes())
    shadow = document["shadow"]
    assert (shadow["pairs"], shadow["share"]) == (1000, 0.5)
    assert shadow["smallest"] == {"pairs": 200, "outcomes": 200}
    assert shadow["outputs"]["probability"].keys() == {
        *("kind", "pairs", "champion", "challenger", "mean", "mean_absolute", "quantiles"),
    }
    assert shadow["outputs"]["label"]["confusion"][0].keys() == {"champion", "challenger", "pairs"}
    metric = {"champion", "challenger", "gain", "low", "high"}
    assert shadow["metrics"]["log_loss"].keys() == metric
    assert shadow["groups"]["country"]["France"]["metrics"]["log_loss"].keys() == metric

    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "The challenger in the shadow" in page
    assert "answered 1,000 of the predictions, 50.0%" in page
    assert "<b>Atlantis" not in page

    metrics = (tmp_path / "report" / "modelwatch.prom").read_text(encoding="utf-8")
    assert 'modelwatch_shadow_pairs{service="orders"} 1000\n' in metrics
    assert 'modelwatch_shadow_ratio{service="orders"} 0.5\n' in metrics
    gain = shadow["metrics"]["log_loss"]["gain"]
    assert f'modelwatch_shadow_gain{{service="orders",metric="log_loss"}} {gain!r}\n' in metrics
    agreement = shadow["outputs"]["label"]["agreement"]
    assert (
        f'modelwatch_shadow_agreement{{service="orders",output="label"}} {agreement!r}' in metrics
    )
