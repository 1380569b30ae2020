"""A proof or a trial that is killed leaves requirement files as they were, and nothing half."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sample_service import UV, SampleRepository


def command(world: SampleRepository, *arguments: str) -> list[str]:
    places = ("--root", str(world.root), "--cache", str(world.cache), "--uv", str(UV))
    report = ("--report", str(world.root.parent / "report"))
    return [sys.executable, "-m", "pinproof", *arguments, *places, *report]


def kill_when_it_says(world: SampleRepository, text: str, *arguments: str) -> None:
    process = subprocess.Popen(
        command(world, *arguments), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    with process, process.stderr:
        for line in process.stderr:
            if text in line:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


def half_made(world: SampleRepository) -> list[Path]:
    return list(world.cache.glob("*/.*.tmp*"))


@pytest.mark.parametrize(
    "arguments", [("prove", "toy"), ("trial", "toy", "toylib~=1.11.0", "--apply")]
)
def test_a_run_that_was_killed_repeatedly_continues(
    world: SampleRepository, arguments: tuple[str, ...]
) -> None:
    before = world.texts()

    for text in ("creating an environment", "training", "replaying"):
        kill_when_it_says(world, text, *arguments)
        assert world.texts() == before
        for made in world.cache.glob("environments/[0-9a-f]*"):
            assert (made / "environment.json").is_file()

    finished = subprocess.run(
        command(world, *arguments), capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "creating an environment" not in finished.stderr
    assert half_made(world) == []
    changed = {path for path, text in world.texts().items() if before.get(path) != text}
    kept = {"toy/requirements-prod.txt", "toy/pins-closure.json"}
    assert changed == (kept if arguments[0] == "trial" else set())
