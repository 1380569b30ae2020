"""The command line as a process that is told to stop in the middle of its work."""

import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from bankchurn.sample import generate_sample

WAIT_S = 120.0


def terminate_when(pattern: str, folder: Path, arguments: list[object]) -> int:
    """Start a command, send SIGTERM once a path that matches is there, and return its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bankchurn", *map(str, arguments)], stderr=subprocess.DEVNULL
    )
    try:
        end = monotonic() + WAIT_S
        while not any(folder.glob(pattern)):
            assert process.poll() is None, "the command ended before it was told to"
            assert monotonic() < end, f"{pattern} did not appear"
            sleep(0.005)
        process.send_signal(signal.SIGTERM)
        return process.wait(WAIT_S)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_predict_leaves_the_old_output_and_nothing_else(
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
    # The folder beside the destination, once it holds a file: the model is being proved.
    code = terminate_when(".model-*/*", tmp_path, [*train, "--reports", tmp_path / "reports"])
    assert code == 143
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "reports"]
    assert list((tmp_path / "reports").iterdir()) == []
