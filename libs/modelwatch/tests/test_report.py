import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from buckets import Bucket
from logs import record_one, unexpected
from modelwatch.errors import DocumentError
from modelwatch.log import LogSchema, PredictionLog
from modelwatch.profile import ReferenceProfile, Task, make_profile
from modelwatch.reporting.log_tables import LogTables, open_tables
from modelwatch.reporting.output import write_report
from modelwatch.reporting.performance import measure
from modelwatch.reporting.report import Report, make_report
from modelwatch.reporting.truth import OutcomeFile, store_truth
from modelwatch.store import FolderStore, open_store
from worlds import DAY, TASK, Columns, profile_of, sample, write_window


@pytest.fixture(scope="module")
def profile() -> ReferenceProfile:
    columns = sample(10_000, np.random.default_rng(0))
    scores, outcomes = np.array(columns["probability"]), np.array(columns["outcome"]) == "1"
    performance = {
        "auc": exact_auc(columns["probability"], columns["outcome"]),
        "log_loss": float(-np.log(np.where(outcomes, scores, 1 - scores)).mean()),
    }
    return profile_of(columns, task=TASK.model_copy(update={"performance": performance}))


def report_of(folder: Path, profile: ReferenceProfile, columns: Columns) -> Report:
    write_window(folder, columns)
    store = FolderStore(folder / "log")
    store_truth(store, OutcomeFile(folder / "outcomes.csv"))
    return make_report(store, profile, DAY, DAY)


def exact_auc(scores: list[float], outcomes: list[str]) -> float:
    positive = np.array([s for s, y in zip(scores, outcomes, strict=True) if y == "1"])
    negative = np.sort([s for s, y in zip(scores, outcomes, strict=True) if y == "0"])
    return float(np.searchsorted(negative, positive).sum() / (len(positive) * len(negative)))


def test_a_window_without_drift_is_reported_as_it_is(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    columns = sample(5000, np.random.default_rng(2))
    report = report_of(tmp_path, profile, columns)

    assert (report.rows, report.truth_rows) == (5000, 5000)
    assert {one.state for one in report.drift.values()} == {"steady"}
    assert report.performance is not None
    metrics = report.performance.metrics
    scores, outcomes = np.array(columns["probability"]), np.array(columns["outcome"], dtype=float)
    assert metrics["auc"].value == pytest.approx(
        exact_auc(columns["probability"], columns["outcome"]), abs=1e-3
    )
    right = np.where(outcomes == 1, scores, 1 - scores)
    assert metrics["log_loss"].value == pytest.approx(-np.log(right).mean(), abs=1e-3)
    assert metrics["brier"].value == pytest.approx(((scores - outcomes) ** 2).mean(), abs=1e-3)
    # The simulated probabilities are the true ones.
    assert metrics["calibration_error"].value < 0.02
    assert sum(rows for _, _, rows in report.performance.calibration) == 5000
    assert all(one.low <= one.value <= one.high for name, one in metrics.items() if name == "auc")
    assert not metrics["auc"].worse
    assert not metrics["log_loss"].worse
    assert metrics["brier"].worse is None


def test_flipped_outcomes_are_found_as_worse_performance(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    random = np.random.default_rng(2)
    columns = sample(5000, random)
    columns["outcome"] = [
        "1" if (value == "0") == (random.random() < 0.15) else "0" for value in columns["outcome"]
    ]
    report = report_of(tmp_path, profile, columns)
    assert {one.state for one in report.drift.values()} == {"steady"}
    assert report.performance is not None
    assert report.performance.metrics["auc"].worse
    assert report.performance.metrics["log_loss"].worse


def test_groups_are_measured(tmp_path: Path, profile: ReferenceProfile) -> None:
    columns = sample(5000, np.random.default_rng(2))
    report = report_of(tmp_path, profile, columns)

    assert set(report.groups) == {"country", "age"}
    assert set(report.groups["age"]) == {"below 30", "30 to 50", "from 50"}
    german = [index for index, name in enumerate(columns["country"]) if name == "Germany"]
    found = report.groups["country"]["Germany"]
    assert found.rows == len(german)
    scores = [columns["probability"][index] for index in german]
    outcomes = [columns["outcome"][index] for index in german]
    assert found.metrics["auc"].value == pytest.approx(exact_auc(scores, outcomes), abs=2e-3)
    assert report.outputs["country"]["Germany"]["probability"] == pytest.approx(np.mean(scores))
    young = [value for value in columns["age"] if value < 30]
    assert report.groups["age"]["below 30"].rows == len(young)


def join_outcomes(tables: LogTables, folder: Path) -> None:
    """Make the table ``joined`` of a window that `write_window` wrote."""
    tables.add_predictions()
    outcomes = tables.connection.read_csv(str(folder / "outcomes.csv"), all_varchar=True)
    outcomes.create_view("outcomes")
    tables.connection.execute(
        "create table joined as select *, row_number() over () as number from predictions "
        "join outcomes using (prediction_id)"
    )


def test_intervals_contain_the_true_value_as_often_as_stated(tmp_path: Path) -> None:
    """The true AUC is that of a very large sample."""
    large = sample(100_000, np.random.default_rng(99))
    true = exact_auc(large["probability"], large["outcome"])
    write_window(tmp_path, sample(24_000, np.random.default_rng(5)))
    inside = 0
    with open_tables(FolderStore(tmp_path / "log")) as tables:
        join_outcomes(tables, tmp_path)
        for window in range(30):
            source = f"(from joined where number % 30 = {window})"
            found = measure(tables, TASK, source).metrics["auc"]
            inside += found.low <= true <= found.high
    # 28.5 are expected; fewer than 25 have a chance of 0.3%.
    assert inside >= 25


def test_the_noise_of_a_small_evaluation_is_no_worse_performance(tmp_path: Path) -> None:
    """The model is the same: at most 2.5% of the evaluations may make the window look worse."""
    random = np.random.default_rng(17)
    write_window(tmp_path, sample(20_000, random))
    worse = 0
    with open_tables(FolderStore(tmp_path / "log")) as tables:
        join_outcomes(tables, tmp_path)
        for _ in range(30):
            evaluation = sample(500, random)
            auc = exact_auc(evaluation["probability"], evaluation["outcome"])
            task = TASK.model_copy(update={"performance": {"auc": auc}})
            worse += bool(measure(tables, task, "joined", evaluated=500).metrics["auc"].worse)
    # 0.75 are expected; more than 4 have a chance of 0.1%. A third are found without the noise.
    assert worse <= 4


def test_a_window_with_few_outcomes_says_so(tmp_path: Path, profile: ReferenceProfile) -> None:
    report = report_of(tmp_path, profile, sample(150, np.random.default_rng(2)))
    assert {one.state for one in report.drift.values()} == {"too-small"}
    assert report.performance is not None
    assert (report.performance.rows, report.performance.metrics) == (150, {})
    write_report(report, FolderStore(tmp_path / "report"), service="orders")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Too small: 150 outcomes; 200 are needed." in page
    assert "modelwatch_drift{" not in (tmp_path / "report" / "modelwatch.prom").read_text()


def test_only_the_days_of_the_window_count(tmp_path: Path, profile: ReferenceProfile) -> None:
    random = np.random.default_rng(2)
    write_window(tmp_path, sample(300, random), truth=False)
    write_window(tmp_path, sample(200, random), day=date(2026, 3, 2), truth=False)
    store = FolderStore(tmp_path / "log")
    assert make_report(store, profile, DAY, DAY).rows == 300
    assert make_report(store, profile, DAY, date(2026, 3, 2)).rows == 500
    with pytest.raises(DocumentError, match="no predictions from 2026-03-03 to 2026-03-04"):
        make_report(store, profile, date(2026, 3, 3), date(2026, 3, 4))


def test_large_windows_are_sampled_for_drift_but_measured_whole(
    tmp_path: Path, profile: ReferenceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.reporting.report.MAX_SAMPLED", 1000)
    report = report_of(tmp_path, profile, sample(5000, np.random.default_rng(2)))
    assert 800 < report.sampled < 1200
    assert (report.rows, report.truth_rows) == (5000, 5000)
    assert {one.state for one in report.drift.values()} == {"steady"}


def numbers_log(folder: Path, rows: int) -> tuple[FolderStore, list[float], list[float]]:
    """A log of forecasts whose error is a tenth of the outcome, with wide intervals for some."""
    schema = LogSchema(
        features={"hour": "number"},
        outputs={"demand": "number", "low": "number", "high": "number"},
        key={"area": "number", "hour": "number"},
    )
    store = FolderStore(folder / "log")
    log = PredictionLog(store, schema, flush_s=3600, warn=unexpected)
    log.start()
    random = np.random.default_rng(4)
    truth = random.gamma(5, 10, rows).tolist()
    predicted = [value * (1.1 if number % 2 else 0.9) for number, value in enumerate(truth)]
    lines = ["area,hour,trips"]
    for number, (value, outcome) in enumerate(zip(predicted, truth, strict=True)):
        width = 0.2 if number % 10 < 8 else 0.05
        record_one(
            log,
            f"p{number}",
            features={"hour": number % 24},
            outputs={"demand": value, "low": value * (1 - width), "high": value * (1 + width)},
            key={"area": number // 24, "hour": number % 24},
        )
        lines.append(f"{number // 24},{number % 24},{outcome!r}")
    log.close()
    (folder / "trips.csv").write_text("\n".join(lines), encoding="utf-8")
    return store, predicted, truth


def today_of(store: FolderStore) -> date:
    return date.fromisoformat(store.names("predictions")[0].split("/")[1].removeprefix("day="))


def test_numbers_are_measured_by_the_business_key(tmp_path: Path) -> None:
    store, predicted, truth = numbers_log(tmp_path, 2000)
    outcomes = OutcomeFile(tmp_path / "trips.csv", key=("area", "hour"), outcome="trips")
    assert store_truth(store, outcomes).matched == 2000
    profile = make_profile(
        LogSchema(features={"hour": "number"}, outputs={"demand": "number"}),
        features={"hour": [float(number % 24) for number in range(2000)]},
        outputs={"demand": predicted},
        task=Task(
            kind="number",
            output="demand",
            low="low",
            high="high",
            performance={"wape": 0.05, "coverage": 0.9},
        ),
    )
    day = today_of(store)
    report = make_report(store, profile, day, day)
    assert report.performance is not None
    metrics = report.performance.metrics
    error = sum(abs(one - other) for one, other in zip(predicted, truth, strict=True))
    assert metrics["wape"].value == pytest.approx(error / sum(truth))
    assert metrics["mae"].value == pytest.approx(error / 2000)
    assert metrics["coverage"].value == pytest.approx(0.8)
    assert metrics["wape"].worse
    assert metrics["coverage"].worse


def test_classes_are_measured(tmp_path: Path) -> None:
    schema = LogSchema(features={}, outputs={"label": "category"})
    store = FolderStore(tmp_path / "log")
    log = PredictionLog(store, schema, flush_s=3600, warn=unexpected)
    log.start()
    # Of 300: a is predicted 150 times, 100 right; b 150 times, 120 right; c never.
    pairs = [("a", "a")] * 100 + [("a", "b")] * 50 + [("b", "b")] * 120 + [("b", "c")] * 30
    lines = ["prediction_id,outcome"]
    for number, (predicted, outcome) in enumerate(pairs):
        record_one(log, f"p{number}", features={}, outputs={"label": predicted})
        lines.append(f"p{number},{outcome}")
    log.close()
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    store_truth(store, OutcomeFile(tmp_path / "labels.csv"))
    labels = [predicted for predicted, _ in pairs]
    profile = make_profile(
        schema, features={}, outputs={"label": labels}, task=Task(kind="classes", output="label")
    )
    report = make_report(store, profile, today_of(store), today_of(store))
    assert report.performance is not None
    metrics = report.performance.metrics
    assert metrics["accuracy"].value == pytest.approx(220 / 300)
    assert metrics["macro_f1"].value == pytest.approx((200 / 250 + 240 / 320 + 0) / 3)


def test_a_log_in_a_bucket_is_reported(
    bucket: Bucket, tmp_path: Path, profile: ReferenceProfile
) -> None:
    write_window(tmp_path, sample(1000, np.random.default_rng(2)))
    store = open_store(f"{bucket.uri}/{uuid4().hex}")
    local = FolderStore(tmp_path / "log")
    for name in local.names("predictions"):
        store.put(name, local.read(name))
    store_truth(store, OutcomeFile(tmp_path / "outcomes.csv"))
    report = make_report(store, profile, DAY, DAY)
    assert (report.rows, report.truth_rows) == (1000, 1000)


def test_the_profile_of_another_model_is_refused(tmp_path: Path, profile: ReferenceProfile) -> None:
    write_window(tmp_path, sample(300, np.random.default_rng(2)), truth=False)
    task = Task(kind="number", output="demand")
    other = profile.model_copy(update={"task": task})
    with pytest.raises(DocumentError, match="The log has no output demand"):
        make_report(FolderStore(tmp_path / "log"), other, DAY, DAY)


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "modelwatch", "report", "--service", "orders"]
    return subprocess.run(
        [*command, "--log", str(folder / "log"), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_the_three_files(tmp_path: Path, profile: ReferenceProfile) -> None:
    columns = sample(3000, np.random.default_rng(2))
    columns["income"] = [value / 12 for value in columns["income"]]
    columns["country"][:40] = ["<script>alert(1)</script>"] * 40
    report_of(tmp_path, profile, columns)
    (tmp_path / "profile.json").write_text(profile.model_dump_json(), encoding="utf-8")
    out = tmp_path / "report"
    days = ["--from", str(DAY), "--to", str(DAY)]
    done = run(tmp_path, "--profile", str(tmp_path / "profile.json"), *days, "--out", str(out))

    assert done.returncode == 0, done.stderr
    assert "predictions: 3,000, with an outcome: 3,000" in done.stdout
    assert "drifted:     feature.income, feature.country" in done.stdout
    document: dict[str, Any] = json.loads((out / "report.json").read_bytes())
    assert document["window"] == {"from": "2026-03-01", "to": "2026-03-01"}
    assert document["models"] == {"a" * 64: 3000}
    assert document["false_alarm_rate"] == 0.01
    income = document["drift"]["feature.income"]
    assert (income["state"], income["material"]) == ("drift", True)
    assert income["psi"] > 1
    assert document["performance"]["metrics"]["auc"]["worse"] is False

    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    assert page.count("<svg") >= 12

    metrics = (out / "modelwatch.prom").read_text(encoding="utf-8")
    assert 'modelwatch_drift_material{service="orders",column="feature.income"} 1\n' in metrics
    assert 'modelwatch_drift{service="orders",column="feature.age"} 0\n' in metrics
    assert 'modelwatch_performance_worse{service="orders",metric="auc"} 0\n' in metrics
    assert (
        'modelwatch_performance{service="orders",metric="auc",feature="country",group="Spain"}'
        in metrics
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "modelwatch.prom",
        "report.html",
        "report.json",
    ]


def test_the_command_ends_with_2_and_writes_nothing_without_predictions(
    tmp_path: Path, profile: ReferenceProfile
) -> None:
    (tmp_path / "profile.json").write_text(profile.model_dump_json(), encoding="utf-8")
    days = ["--from", "2026-03-01", "--to", "2026-03-01"]
    out = tmp_path / "report"
    done = run(tmp_path, "--profile", str(tmp_path / "profile.json"), *days, "--out", str(out))
    assert done.returncode == 2
    assert "has no predictions from 2026-03-01 to 2026-03-01." in done.stderr
    assert not out.exists()


def test_the_days_until_yesterday_are_a_window(tmp_path: Path, profile: ReferenceProfile) -> None:
    today = datetime.now(UTC).date()
    random = np.random.default_rng(2)
    for ago, rows in ((0, 10), (1, 20), (2, 300), (3, 40)):
        day = today - timedelta(days=ago)
        write_window(tmp_path, sample(rows, random), day=day, truth=False)
    (tmp_path / "profile.json").write_text(profile.model_dump_json(), encoding="utf-8")
    options = ["--profile", str(tmp_path / "profile.json"), "--days", "2"]
    # A folder of the log itself, as the nightly job writes it, which is read by a second report.
    out = ["--out", f"file://{tmp_path}/log/reports"]
    for _ in range(2):
        done = run(tmp_path, *options, *out)
        assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "log/reports/report.json").read_bytes())
    first, last = today - timedelta(days=2), today - timedelta(days=1)
    assert document["window"] == {"from": str(first), "to": str(last)}
    assert document["models"] == {"a" * 64: 320}


@pytest.mark.parametrize(
    "days", [(), ("--from", "2026-03-01"), ("--days", "2", "--from", "2026-03-01")]
)
def test_unclear_days_are_refused(
    tmp_path: Path, profile: ReferenceProfile, days: tuple[str, ...]
) -> None:
    (tmp_path / "profile.json").write_text(profile.model_dump_json(), encoding="utf-8")
    out = tmp_path / "report"
    done = run(tmp_path, "--profile", str(tmp_path / "profile.json"), *days, "--out", str(out))
    assert done.returncode == 2
    assert "Give --from and --to, or only --days." in done.stderr
    assert not out.exists()
