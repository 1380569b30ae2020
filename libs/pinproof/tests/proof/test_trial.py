"""Every verdict of a trial, in real environments of a toy service."""

import json
import re
from pathlib import Path

import pytest
from pinproof.check import check
from pinproof.cli import app
from sample_service import UV, SampleRepository
from typer.testing import CliRunner, Result


@pytest.fixture
def try_pins(world: SampleRepository, shared_cache: Path) -> "Trial":
    return Trial(world, shared_cache)


class Trial:
    def __init__(self, world: SampleRepository, cache: Path) -> None:
        self.world = world
        self._cache = cache

    def __call__(self, *pins: str) -> Result:
        places = {"--root": self.world.root, "--cache": self._cache, "--uv": UV}
        options = [str(part) for pair in places.items() for part in pair]
        report = ["--report", str(self.world.root.parent / "report")]
        return CliRunner().invoke(app, ["trial", "toy", *pins, *options, *report])

    @property
    def report(self) -> dict[str, "object"]:
        (path,) = (self.world.root.parent / "report").glob("*.json")
        found: dict[str, object] = json.loads(path.read_text())["trial"]
        return found


@pytest.mark.parametrize(
    ("pin", "verdict", "status"),
    [
        ("sidelib~=1.1.0", "compatible", 0),
        ("sidelib~=1.2.0", "breaks at import", 1),
        ("toylib~=1.3.0", "needs retraining", 0),
        ("toylib~=1.4.0", "breaks at import", 1),
        ("toylib~=1.5.0", "needs retraining", 0),
        ("toylib~=1.6.0", "breaks at load", 1),
        ("toylib~=1.7.0", "breaks at predict", 1),
        ("toylib~=1.8.0", "silently different", 1),
        ("toylib~=1.9.0", "breaks at training", 1),
        ("toylib~=1.10.0", "silently different", 1),
        ("toylib~=1.12.0", "cannot resolve", 1),
        ("toylib~=9.9.9", "cannot resolve", 1),
    ],
)
def test_verdict(try_pins: Trial, pin: str, verdict: str, status: int) -> None:
    before = try_pins.world.texts()

    result = try_pins(pin)

    assert try_pins.report["verdict"] == verdict, result.output
    assert (result.exit_code, result.stdout.partition(".")[0]) == (status, verdict.capitalize())
    assert try_pins.world.texts() == before


def test_the_numbers_of_a_silent_difference(try_pins: Trial) -> None:
    try_pins("toylib~=1.8.0")

    evidence = try_pins.report["evidence"]
    assert isinstance(evidence, dict)
    # 0.1, 0.4 and 0.9 were answered; now it is 0.9, 0.6 and 0.1.
    (answers,) = evidence["answers"]
    assert answers.pop("largest") == pytest.approx(0.8)
    assert answers == {"output": "probability", "moved": 3, "flipped": 3, "inputs": 3}
    assert evidence["refusal"] == "series"


def test_an_import_that_ends_the_process_is_named(try_pins: Trial) -> None:
    result = try_pins("sidelib~=1.2.0")

    assert "sidelib: the process ended: exit 3." in result.stdout


def test_a_model_that_would_predict_the_same_differs_from_one_that_does_not_load(
    try_pins: Trial,
) -> None:
    same = try_pins("toylib~=1.3.0").stdout
    broken = try_pins("toylib~=1.5.0").stdout

    assert "Today's model would predict the same (largest difference 0)" in same
    assert "Today's model fails at load; a retrained one is as good." in broken


def test_what_collides_moves_along_and_nothing_else(try_pins: Trial) -> None:
    result = try_pins("toylib~=1.11.0")

    assert result.exit_code == 0, result.output
    assert try_pins.report["coupled_upgrades"] == ["otherlib~=2.0.0"]
    changed = re.findall(r"^[-+](?![-+])(.*)$", result.stdout, flags=re.MULTILINE)
    assert changed == ["toylib~=1.2.0", "otherlib~=1.0.0", "toylib~=1.11.0", "otherlib~=2.0.0"]


def test_a_collision_names_both_packages(try_pins: Trial) -> None:
    result = try_pins("toylib~=1.12.0")

    assert result.stdout == "Cannot resolve. toylib and otherlib conflict.\n"
    assert try_pins.report["collision"] == ["toylib", "otherlib"]


def test_apply_writes_the_patch_and_what_it_leads_to(try_pins: Trial) -> None:
    result = try_pins("toylib~=1.11.0", "--apply")

    assert result.exit_code == 0
    text = (try_pins.world.root / "toy" / "requirements-prod.txt").read_text()
    assert "toylib~=1.11.0\notherlib~=2.0.0\n" in text
    report = check(try_pins.world.root)
    assert [v.code for v in report.violations] == []


def test_apply_writes_nothing_where_the_upgrade_should_not_be_made(try_pins: Trial) -> None:
    before = try_pins.world.texts()

    assert try_pins("toylib~=1.8.0", "--apply").exit_code == 1
    assert try_pins.world.texts() == before


def test_two_pins_at_once(try_pins: Trial) -> None:
    assert try_pins("toylib~=1.11.0", "otherlib~=2.0.0").exit_code == 0
    assert try_pins.report["coupled_upgrades"] == []


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        ("absentlib~=1.0.0", "toy does not pin absentlib."),
        ("toylib", "'toylib' is not a name with a specifier."),
        ("toylib~=1.0.0; python_version > '3'", "is not a name with a specifier."),
        ("~~", "'~~' is not a requirement."),
    ],
)
def test_what_cannot_be_tried_is_a_mistake(try_pins: Trial, pin: str, message: str) -> None:
    result = try_pins(pin)

    assert result.exit_code == 2
    assert message in result.stderr
