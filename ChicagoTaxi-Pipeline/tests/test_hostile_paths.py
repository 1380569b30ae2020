"""Commands with paths that cannot be used, and with names that are odd but can."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from chicagotaxi.cli import app
from servicekit.testing.hostile_paths import HOSTILE, check_refused, snapshot
from typer.testing import CliRunner, Result

# The suffix that the path of each command needs, and the command.
COMMANDS = {
    "generate CSV": (".csv", "generate HOSTILE --rows 100"),
    "generate Parquet": (".parquet", "generate HOSTILE --rows 100"),
    "fetch": ("", "fetch HOSTILE --first 2024-01-01 --last 2024-01-01 --portal http://127.0.0.1:9"),
    "etl of": (".csv", "etl HOSTILE --out out"),
    "etl to": ("", "etl trips.csv --out HOSTILE"),
    "etl, dropped rows": (".parquet", "etl trips.csv --out out --quarantine HOSTILE"),
    "train on": (".csv", "train --data HOSTILE --out new --reports reports"),
    "train into": ("", "train --data counts.csv --out HOSTILE --reports reports"),
    "train and report": ("", "train --data counts.csv --out new --reports HOSTILE"),
    "backtest on": (".csv", "backtest --data HOSTILE --reports reports"),
    "backtest and report": ("", "backtest --data counts.csv --reports HOSTILE"),
    "backtest to": (".json", "backtest --data counts.csv --reports . --name HOSTILE"),
    "predict": ("", "predict --out HOSTILE --model MODEL"),
    "predict with a model": ("", "predict --out pipeline --model HOSTILE"),
    "hindcast of": ("", "hindcast past --out HOSTILE --model MODEL"),
    "hindcast with a model": ("", "hindcast past --out pipeline --model HOSTILE"),
    "hindcast to": ("", "hindcast HOSTILE --out pipeline --model MODEL --every 100000"),
    "run of": (".csv", "run HOSTILE --out out --model MODEL"),
    "run to": ("", "run trips.csv --out HOSTILE --model MODEL"),
    "run with a model": ("", "run trips.csv --out out --model HOSTILE"),
}


def run(words: list[str]) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def place(output: Path, hourly_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands need, as the current one."""
    monkeypatch.chdir(output.parent)
    hourly_frame.to_csv("counts.csv", index=False)
    made = CliRunner().invoke(app, ["generate", "trips.csv", "--rows", "3000", "--days", "2"])
    assert made.exit_code == 0, made.output
    return output.parent


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.usefixtures("place")
def test_a_path_that_cannot_be_used_ends_with_2_and_changes_nothing(
    sealed: Path, command: tuple[str, str], path: str
) -> None:
    suffix, words = command
    check_refused(run, words, path=path, suffix=suffix, given={"MODEL": str(sealed)})


@pytest.mark.parametrize(
    "words",
    [
        "generate pipe.csv --rows 100",
        "etl trips.csv --out out --quarantine pipe.csv",
        "backtest --data counts.csv --reports . --name pipe.csv",
    ],
)
def test_a_pipe_as_the_output_is_refused_and_stays(place: Path, words: str) -> None:
    os.mkfifo("pipe.csv")
    done = CliRunner().invoke(app, words.split())

    assert done.exit_code == 2
    assert "pipe.csv is a pipe. Give the name of a file." in done.stderr
    assert (place / "pipe.csv").is_fifo()


def test_a_pipe_as_the_input_is_refused_and_not_waited_for(place: Path) -> None:
    os.mkfifo(place / "pipe.csv")
    done = CliRunner().invoke(app, ["etl", "pipe.csv", "--out", "out"])

    assert done.exit_code == 2
    assert "pipe.csv is a pipe. Give a file, a folder or a pattern." in done.stderr


def test_a_link_as_the_output_is_followed_and_stays(place: Path) -> None:
    (place / "volume").mkdir()
    Path("out.csv").symlink_to("volume/trips.csv")
    done = CliRunner().invoke(app, ["generate", "out.csv", "--rows", "100"])

    assert done.exit_code == 0, done.output
    assert Path("out.csv").is_symlink()
    assert len(Path("volume/trips.csv").read_text().splitlines()) == 101


@pytest.mark.parametrize(
    "words",
    [
        "etl trips.csv --out out --quarantine trips.csv",
        "etl . --out out --quarantine sub/../trips.csv",
        "backtest --data counts.csv --reports . --name counts.csv",
    ],
)
def test_an_input_is_no_output(place: Path, words: str) -> None:
    Path("sub").mkdir()
    (place / "counts.txt").touch()
    shutil.rmtree("pipeline")
    if "etl" in words:
        Path("counts.csv").unlink()
    before = snapshot(place)
    done = CliRunner().invoke(app, words.split())

    assert done.exit_code == 2
    assert "is the input itself" in done.stderr
    assert snapshot(place) == before


NAME = os.fsdecode(b"caf\xe9")


def command(words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "chicagotaxi", *words.split()],
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )


@pytest.mark.usefixtures("place")
def test_names_that_are_not_utf8_are_written_recorded_and_printed() -> None:
    Path(NAME).mkdir()
    Path("counts.csv").rename(f"{NAME}.csv")
    small = "--folds 1 --rows 5000"
    for words in (
        f"generate {NAME}/trips.parquet --rows 100",
        f"generate {NAME}/trips.csv.gz --rows 100",
        f"train --data {NAME}.csv --out {NAME}/model --reports {NAME}/reports {small}",
        f"predict --out pipeline --model {NAME}/model",
    ):
        done = command(words)
        assert done.returncode == 0, done.stderr.decode()

    manifest = json.loads(Path(NAME, "model", "manifest.json").read_bytes())
    report = json.loads(Path(NAME, "reports", "backtest.json").read_bytes())
    assert manifest["data"]["source"] == report["data"]["source"] == "caf\\xe9.csv"
    hidden = [path for path in Path(NAME).rglob("*") if path.name.startswith(".")]
    assert hidden == []


@pytest.mark.parametrize(
    "words",
    [
        f"etl {NAME}.csv --out out",
        f"etl trips.csv --out {NAME}",
        f"etl trips.csv --out out --quarantine {NAME}/dropped.parquet",
        f"predict --out {NAME} --model MODEL",
        f"hindcast {NAME} --out pipeline --model MODEL --every 100000",
    ],
)
def test_what_an_engine_reads_or_writes_must_be_utf8(place: Path, sealed: Path, words: str) -> None:
    shutil.copy("trips.csv", f"{NAME}.csv")
    shutil.copytree("pipeline", NAME)
    before = snapshot(place)
    done = command(words.replace("MODEL", str(sealed)))

    assert done.returncode == 2, done.stderr.decode()
    assert b"the path is not UTF-8" in done.stderr
    assert snapshot(place) == before
