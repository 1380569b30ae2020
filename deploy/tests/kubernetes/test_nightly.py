"""The pipeline's script, run with the real `date` and a `python` that notes what it is asked."""

import os
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from manifests.render import KUBERNETES

SERVICE = KUBERNETES.parents[1] / "ChicagoTaxi-Pipeline"
SCRIPT = KUBERNETES / "base/chicagotaxi-pipeline/nightly.sh"


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


def run(script: Path, programs: Path, python: str) -> subprocess.CompletedProcess[str]:
    program = programs / "python"
    program.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return subprocess.run(
        ["sh", script],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "MONTHS_BACK": "3",
            "MODEL_SHA256": "f" * 64,
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


def test_a_portal_that_fails_ends_the_night(night: tuple[Path, Path]) -> None:
    done = run(*night, "exit 2")
    assert done.returncode == 2
    assert done.stdout == ""


def test_the_service_knows_these_commands(night: tuple[Path, Path]) -> None:
    script, programs = night
    (script.parent / "data/raw" / f"trips-{months()[0]}-01.csv").touch()
    python = SERVICE / ".venv/bin/python"
    assert python.exists(), "make ChicagoTaxi-Pipeline/.venv/.installed first"
    # Options that do not exist are refused before help is given.
    done = run(script, programs, f'exec {python} "$@" --help')
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == 2
