"""The commands `split` and `score`, which `modelwatch challenge` runs."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chicagotaxi.cli import app
from chicagotaxi.clock import DAY, WEEK
from chicagotaxi.forecast.features import WINDOW
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.history.panel import Panel
from chicagotaxi.history.read import read_history
from modelwatch.testing.split_conformance import SplitConformance
from synthetic import hourly
from typer.testing import CliRunner


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 84 days of the model, and 35 later ones."""
    path = tmp_path_factory.mktemp("data") / "counts.csv"
    hourly(days=119)[["hour", "area", "trips"]].to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def longer(table: Path) -> Panel:
    """The history of the table: without the hour that the clock skips."""
    return read_history(table)[0]


@pytest.fixture(scope="module")
def parts(sealed: Path, table: Path) -> tuple[Path, Path]:
    training, held_out = table.parent / "training.csv", table.parent / "held-out.csv"
    run("split", table, "--model", sealed, "--training", training, "--held-out", held_out)
    return training, held_out


def test_split_holds_out_the_last_four_weeks(
    parts: tuple[Path, Path], longer: Panel, panel: Panel
) -> None:
    (before, _), (after, _) = map(read_history, parts)
    cut = len(longer.trips) - 4 * WEEK
    assert (before.start, before.end) == (longer.start, longer.start + cut)
    assert before.end > panel.hours[-1]
    assert np.array_equal(before.trips, longer.trips[:cut], equal_nan=True)
    assert np.array_equal(after.trips, longer.trips[cut - WINDOW :], equal_nan=True)
    assert after.areas == longer.areas


def test_split_refuses_a_history_with_too_few_later_days(
    sealed: Path, table: Path, panel: Panel, tmp_path: Path
) -> None:
    rows = pd.read_csv(table)
    end = str(panel.end + 19 * DAY)[:10]
    rows[rows["hour"] < end].to_csv(tmp_path / "short.csv", index=False)
    options = ["--training", tmp_path / "a.csv", "--held-out", tmp_path / "b.csv"]
    arguments = ["split", tmp_path / "short.csv", "--model", sealed, *options]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2
    assert "19 complete days are later than" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short.csv"]


class TestSplit(SplitConformance):
    app = app


def test_score_forecasts_each_day_from_its_first_hour(
    parts: tuple[Path, Path],
    sealed: Path,
    longer: Panel,
    forecaster: DemandForecaster,
    tmp_path: Path,
) -> None:
    run("score", parts[1], tmp_path / "scores.csv", "--model", sealed)
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    outputs = {"output.demand", "output.lower", "output.upper"}
    named = {"row", "trained_on", "outcome", "group.areas", "block", "cpu_us"}
    assert set(rows[0]) == outputs | named
    assert {row["trained_on"] for row in rows} == {"no"}
    assert len({row["block"] for row in rows}) == 28
    first = len(longer.trips) - 4 * WEEK
    assert len(rows) == np.isfinite(longer.trips[first:]).sum()
    third = first + 2 * DAY
    forecast = forecaster.model.predict(longer, third)
    day = [row for row in rows if row["block"] == str(longer.hours[third])[:10]]
    known = np.isfinite(longer.trips[third : third + DAY])
    for name, values in (
        ("output.demand", forecast.expected[:DAY][known]),
        ("output.lower", forecast.lower[:DAY][known]),
        ("output.upper", forecast.upper[:DAY][known]),
        ("outcome", longer.trips[third : third + DAY][known]),
    ):
        assert [float(row[name]) for row in day] == pytest.approx(values.tolist(), rel=1e-5)
    assert len([row for row in rows if row["cpu_us"]]) == 28


def test_score_marks_days_that_end_in_the_training(
    sealed: Path, table: Path, panel: Panel, tmp_path: Path
) -> None:
    run("score", table, tmp_path / "scores.csv", "--model", sealed)
    last = str(panel.hours[-1])[:10]
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        marks = {row["block"]: row["trained_on"] for row in csv.DictReader(file)}
    assert marks == {day: "yes" if day <= last else "no" for day in marks}
    assert list(marks.values()).count("no") == 35
