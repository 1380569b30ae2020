"""The command line as a process that is stopped or killed in the middle of its work."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from bankchurn.cli import app
from bankchurn.sample import generate_sample
from servicekit.testing.commands import end_when
from typer.testing import CliRunner


def terminate_when(pattern: str, folder: Path, arguments: list[object]) -> int:
    """Start a command, send SIGTERM once a path that matches is there, and return its exit code."""
    return end_when("bankchurn", lambda: any(folder.glob(pattern)), signal.SIGTERM, *arguments)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_stopped_predict_leaves_only_the_old_output(
    sealed: Path, tmp_path: Path, name: str
) -> None:
    generate_sample(30_000).to_csv(tmp_path / "in.csv", index=False)
    (tmp_path / name).write_text("yesterday's")
    predict = ["predict", tmp_path / "in.csv", tmp_path / name, "--model", sealed]
    assert terminate_when(f".{name}-*", tmp_path, predict) == 143
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", name]
    assert (tmp_path / name).read_text() == "yesterday's"


def test_train_leaves_no_half_sealed_model(tmp_path: Path) -> None:
    generate_sample(700, seed=2).to_csv(tmp_path / "in.csv", index=False)
    train = ["train", "--data", tmp_path / "in.csv", "--out", tmp_path / "model", "--folds", "2"]
    # The folder next to the destination, once it holds a file: the model is being proved.
    code = terminate_when(".model-*/*", tmp_path, [*train, "--reports", tmp_path / "reports"])
    assert code == 143
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "reports"]
    assert list((tmp_path / "reports").iterdir()) == []


def test_the_next_predict_removes_the_files_of_a_killed_one(sealed: Path, tmp_path: Path) -> None:
    generate_sample(60_000).to_csv(tmp_path / "in.csv", index=False)
    predict = ["predict", tmp_path / "in.csv", tmp_path / "out.csv", "--model", sealed]
    assert kill_when(predict, lambda: has_rows(tmp_path, ".out.csv-*.csv")) == -signal.SIGKILL
    assert len(list(tmp_path.glob(".out.csv-*"))) == 2

    assert CliRunner().invoke(app, [str(part) for part in predict]).exit_code == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 60_001


def test_the_next_train_removes_the_files_of_a_killed_one(tmp_path: Path) -> None:
    generate_sample(700, seed=2).to_csv(tmp_path / "in.csv", index=False)
    out, reports = tmp_path / "model", tmp_path / "reports"
    train = ["train", "--data", tmp_path / "in.csv", "--out", out, "--folds", "2"]
    train += ["--reports", reports]
    assert kill_when(train, lambda: any(tmp_path.glob(".model-*/*"))) == -signal.SIGKILL
    assert len(list(tmp_path.glob(".model-*"))) == 2

    assert CliRunner().invoke(app, [str(part) for part in train]).exit_code == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "model", "reports"]
    assert [path.name for path in reports.iterdir() if path.name.startswith(".")] == []


def has_rows(folder: Path, pattern: str) -> bool:
    return any(path.stat().st_size > 0 for path in folder.glob(pattern))


def kill_when(arguments: list[object], is_time: Callable[[], bool]) -> int:
    """Start a command, kill it once it is time, and return its exit code."""
    return end_when("bankchurn", is_time, signal.SIGKILL, *arguments)
