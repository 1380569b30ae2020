"""The pipeline's script, run with the real `date` and a `python` that notes what it is asked."""

import json
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy/base/chicagotaxi-pipeline/nightly.sh"


@pytest.fixture
def night(tmp_path: Path) -> tuple[Path, Path]:
    """The script with its folders moved here, and a folder for the program that it runs."""
    script = tmp_path / "nightly.sh"
    text = SCRIPT.read_text(encoding="utf-8")
    script.write_text(text.replace("/data/", f"{tmp_path}/data/"), encoding="utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "data" / "raw").mkdir(parents=True)
    return script, programs


def run(
    script: Path, programs: Path, python: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    program = programs / "python"
    program.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return subprocess.run(
        ["sh", script],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "MONTHS_BACK": "3",
            "MODEL_SHA256": "f" * 64,
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def months() -> list[str]:
    """This month and three before it."""
    first = datetime.now(UTC).date().replace(day=1)
    found = [first]
    while len(found) < 4:
        found.insert(0, (found[0] - timedelta(days=1)).replace(day=1))
    return [f"{month:%Y-%m}" for month in found]


def test_whole_months_are_fetched_and_those_with_trips_are_run(night: tuple[Path, Path]) -> None:
    script, programs = night
    raw = script.parent / "data" / "raw"
    for month in months()[:3]:  # the last is not published yet
        (raw / f"trips-{month}-01.csv").touch()
    done = run(script, programs, 'echo "$@"')
    assert done.returncode == 0, done.stderr
    fetched, ran = done.stdout.splitlines()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert fetched == (f"-m chicagotaxi fetch {raw} --first {months()[0]}-01 --last {yesterday}")
    inputs = " ".join(f"{raw}/trips-{month}-*.csv" for month in months()[:3])
    assert ran.startswith(f"-m chicagotaxi run {inputs} --out {script.parent}/data/pipeline ")
    assert f"--model-sha256 {'f' * 64}" in ran


def test_without_trips_nothing_is_made_up(night: tuple[Path, Path]) -> None:
    done = run(*night, 'echo "$@"')
    assert done.returncode == 2
    assert "no trips" in done.stderr
    assert " run " not in done.stdout


def batch(script: Path, model: str) -> None:
    """A history, and a batch of a model."""
    pipeline = script.parent / "data" / "pipeline"
    (pipeline / "hourly").mkdir(parents=True)
    (pipeline / "predictions" / "b1").mkdir(parents=True)
    (pipeline / "predictions" / "current").write_text("b1\n", encoding="utf-8")
    output = json.dumps({"model": {"sha256": model}})
    (pipeline / "predictions" / "b1" / "batch.json").write_text(output, encoding="utf-8")


def test_without_new_trips_the_batch_stays_and_the_night_is_well(night: tuple[Path, Path]) -> None:
    batch(night[0], "f" * 64)
    done = run(*night, 'echo "$@"')
    assert done.returncode == 0, done.stderr
    assert "nothing new" in done.stdout
    assert "-m chicagotaxi run" not in done.stdout
    assert "-m chicagotaxi predict" not in done.stdout


@pytest.mark.parametrize("there", [True, False], ids=["of another", "none"])
def test_without_new_trips_a_new_model_has_its_batch_of_those_before(
    night: tuple[Path, Path], there: bool
) -> None:
    script, programs = night
    batch(script, "e" * 64)
    if not there:
        (script.parent / "data/pipeline/predictions/current").unlink()
    done = run(script, programs, 'echo "$@"')
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == (
        f"-m chicagotaxi predict --out {script.parent}/data/pipeline"
        f" --model /model/current --model-sha256 {'f' * 64}"
    )


@pytest.mark.parametrize("trips", [True, False], ids=["run", "predict"])
def test_the_model_s_signers_are_asked_for_where_they_are_set(
    night: tuple[Path, Path], trips: bool
) -> None:
    script, programs = night
    if trips:
        (script.parent / "data/raw" / f"trips-{months()[0]}-01.csv").touch()
    else:
        batch(script, "e" * 64)
    keys = f"ed25519:{'k' * 43}=,ed25519:{'m' * 43}="
    done = run(script, programs, 'echo "$@"', MODEL_SIGNERS=keys)
    assert f"--model-sha256 {'f' * 64} --signer {keys}" in done.stdout.splitlines()[-1]
    assert "--signer" not in run(script, programs, 'echo "$@"').stdout


def test_another_portal_is_asked_where_one_is_named(night: tuple[Path, Path]) -> None:
    done = run(*night, 'echo "$@"', PORTAL="http://127.0.0.1:9")
    assert done.stdout.splitlines()[0].endswith(" --portal http://127.0.0.1:9")


def test_a_portal_that_fails_ends_the_night(night: tuple[Path, Path]) -> None:
    done = run(*night, "exit 2")
    assert done.returncode == 2
    assert done.stdout == ""


@pytest.mark.parametrize("trips", [True, False], ids=["run", "predict"])
def test_with_a_prediction_log_the_outcomes_are_joined_after_the_predictions(
    night: tuple[Path, Path], trips: bool
) -> None:
    script, programs = night
    if trips:
        (script.parent / "data/raw" / f"trips-{months()[0]}-01.csv").touch()
    else:
        batch(script, "e" * 64)
    done = run(script, programs, 'echo "$@"', PREDICTION_LOG="s3://bucket/log")
    assert done.returncode == 0, done.stderr
    predicted, outcomes, truth = done.stdout.splitlines()[-3:]
    assert predicted.startswith(f"-m chicagotaxi {'run' if trips else 'predict'} ")
    assert outcomes == (
        f"-m chicagotaxi outcomes /tmp/outcomes.parquet --out {script.parent}/data/pipeline"
    )
    assert truth == (
        "-m modelwatch truth /tmp/outcomes.parquet --log s3://bucket/log"
        " --key area --key hour --outcome trips --number"
    )
    # The batch is served, but a part of it is not in the log: the night failed.
    failed = run(
        script, programs, 'case "$*" in *fetch*) ;; *) exit 75 ;; esac', PREDICTION_LOG="s3://b/l"
    )
    assert failed.returncode == 75


@pytest.mark.parametrize("stopped", ["fetch", "run", "outcomes", "truth"])
def test_a_signal_to_the_shell_ends_the_program_that_runs_and_starts_no_other(
    night: tuple[Path, Path], tmp_path: Path, stopped: str
) -> None:
    script, programs = night
    (script.parent / "data/raw" / f"trips-{months()[0]}-01.csv").touch()
    said = tmp_path / "said"
    program = programs / "python"
    # Ends by itself some time after the signal, as `run` does.
    program.write_text(
        f"#!/bin/sh\necho $3 >>{said}\n[ $3 = {stopped} ] || exit 0\n"
        f"trap 'sleep 0.3; echo ended >>{said}; exit 143' TERM\necho waits >>{said}\n"
        "while :; do sleep 0.05; done\n",
        encoding="utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = {"MONTHS_BACK": "3", "MODEL_SHA256": "f" * 64, "PREDICTION_LOG": "s3://b/l"}
    shell = subprocess.Popen(
        ["sh", script], env={"PATH": f"{programs}:{os.environ['PATH']}", **settings}
    )
    try:
        while not said.exists() or "waits" not in said.read_text():
            assert shell.poll() is None
            time.sleep(0.02)
        shell.terminate()
        assert shell.wait(timeout=60) == 143
    finally:
        shell.kill()
    order = ["fetch", "run", "outcomes", "truth"]
    before = order[: order.index(stopped) + 1]
    assert said.read_text().split() == [*before, "waits", "ended"]


@pytest.mark.parametrize("trips", [True, False], ids=["run", "predict"])
def test_the_service_knows_these_commands(night: tuple[Path, Path], trips: bool) -> None:
    script, programs = night
    if trips:
        (script.parent / "data/raw" / f"trips-{months()[0]}-01.csv").touch()
    else:
        batch(script, "e" * 64)
    # Options that do not exist are refused before help is given.
    settings = {"PORTAL": "http://127.0.0.1:9", "MODEL_SIGNERS": f"ed25519:{'k' * 43}="}
    done = run(script, programs, f'exec {sys.executable} "$@" --help', **settings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == 2
    logging = settings | {"PREDICTION_LOG": "s3://bucket/log"}
    done = run(script, programs, f'exec {sys.executable} "$@" --help', **logging)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == 4
