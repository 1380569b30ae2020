"""`pinproof prove` on a toy service: both ends of the pins, and what is found there."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pinproof.cli import app
from pinproof.closure.sync import sync
from pinproof.proof.prove import CHECKS
from sample_service import PINS, UV, SampleRepository
from typer.testing import CliRunner, Result

BROKEN_PATCH = ("toyservice~=1.0.0", "toylib~=2.0.0", *PINS[2:])
REPORT = ["toy.html", "toy.json", "toy.md"]


def prove(world: SampleRepository, cache: Path, *arguments: str) -> Result:
    options = ["--root", world.root, "--cache", cache, "--uv", UV]
    report = ["--report", world.root.parent / "report"]
    return CliRunner().invoke(app, ["prove", "toy", *map(str, [*options, *report]), *arguments])


def findings(world: SampleRepository) -> dict[tuple[str, str], Any]:
    report = json.loads((world.root.parent / "report" / "toy.json").read_text())
    return {(one["check"], one["end"]): one for one in report["pythons"][0]["findings"]}


def test_pins_whose_ends_answer_the_same_are_proven(
    world: SampleRepository, shared_cache: Path
) -> None:
    before = world.texts()

    result = prove(world, shared_cache)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Proven. The lowest and the highest versions that the pins")
    assert sorted(path.name for path in (world.root.parent / "report").iterdir()) == REPORT
    found = findings(world)
    assert {check for check, _ in found} == set(CHECKS)
    assert found["open", "floor"]["text"] == (
        "the ceiling's model is refused (older-than-writer), as it should be"
    )
    assert "auc 0.8000 -> 0.8000" in found["retrain", "ceiling"]["text"]
    assert world.texts() == before


def test_a_second_run_does_nothing_twice(world: SampleRepository, shared_cache: Path) -> None:
    prove(world, shared_cache)

    again = prove(world, shared_cache)

    ends = [
        f"toy: Python {sys.version_info[0]}.{sys.version_info[1]}, {end}"
        for end in ("floor", "ceiling", "floor", "ceiling")
    ]
    assert again.stderr.splitlines() == ends


def test_a_patch_that_changes_answers_is_not_proven(
    world: SampleRepository, shared_cache: Path
) -> None:
    world.write(*BROKEN_PATCH)
    sync(world.root, UV)

    result = prove(world, shared_cache)

    assert result.exit_code == 1
    assert result.stdout.startswith("Not proven.")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    check = f"  ✗ Python {python}, ceiling: The model of the other end opens: Refused (golden): "
    assert check in result.stdout
    opened = findings(world)["open", "ceiling"]
    assert opened["state"] == "bad"
    assert opened["text"].startswith("Refused (golden): ")


def test_the_page_needs_nothing_else_and_names_no_folder(
    world: SampleRepository, shared_cache: Path
) -> None:
    prove(world, shared_cache)

    for name in REPORT:
        text = (world.root.parent / "report" / name).read_text()
        assert str(world.root.parent) not in text
        assert not any(mark in text for mark in ("://", "src=", "<link", "<script", "@import"))


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("absent", "pins.toml does not say how to prove 'absent' (it does for: toy)."),
        ("toy", "There is no toy/requirements-prod.txt."),
    ],
)
def test_what_cannot_be_proven_is_a_mistake(
    world: SampleRepository, tmp_path: Path, service: str, message: str
) -> None:
    (world.root / "toy" / "requirements-prod.txt").unlink()
    options = ["--root", str(world.root), "--cache", str(tmp_path / "cache"), "--uv", str(UV)]

    result = CliRunner().invoke(app, ["prove", service, *options])

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("written", "misspelt", "message"),
    [
        ('"{model}"', '"{models}"', "A command of the proof of toy has {models}, which is not a"),
        ("auc = 0.01", "acu = 0.01", "The metrics of the proof name acu, which no model has."),
    ],
)
def test_a_misspelt_placeholder_or_metric_is_a_mistake(
    world: SampleRepository, shared_cache: Path, written: str, misspelt: str, message: str
) -> None:
    policy = world.root / "pins.toml"
    policy.write_text(policy.read_text().replace(written, misspelt))

    result = prove(world, shared_cache)

    assert result.exit_code == 2
    assert message in result.stderr
    assert ("auc" in result.stderr) == (misspelt == "acu = 0.01")
