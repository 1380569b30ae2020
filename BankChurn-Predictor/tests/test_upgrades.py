"""What `pinproof trial` says of real upgrades of this service's libraries.

One upgrade and one that cannot be made are tried in every run. The others take an environment and a
training each, and run nightly (`make test-nightly`).
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Today's model is trained once for all trials."""
    return tmp_path_factory.mktemp("proofs")


def trial(cache: Path, pin: str, report: Path) -> dict[str, Any]:
    process = subprocess.run(
        [
            *(sys.executable, "-m", "pinproof", "trial", "BankChurn-Predictor", pin),
            *("--root", str(ROOT), "--cache", str(cache), "--report", str(report)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    (path,) = report.glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())["trial"]
    made = found["verdict"] in ("compatible", "needs retraining")
    assert process.returncode == (0 if made else 1), process.stderr
    return found


def largest(movements: list[dict[str, Any]]) -> float:
    return max(float(movement["largest"]) for movement in movements)


def test_scikit_learn_1_6_needs_retraining_because_the_model_does_not_load(
    cache: Path, tmp_path: Path
) -> None:
    found = trial(cache, "scikit-learn~=1.6.1", tmp_path)

    assert found["verdict"] == "needs retraining"
    assert found["evidence"]["failed_at"] == "load"
    assert found["evidence"]["refusal"] == "series"
    assert {moved["name"] for moved in found["moved"]} == {"scikit-learn"}
    assert "-scikit-learn~=1.5.2\n+scikit-learn~=1.6.1\n" in found["patch"]


def test_an_upgrade_that_cannot_resolve_names_the_two_that_collide(
    cache: Path, tmp_path: Path
) -> None:
    # No release of this series takes the starlette that the service pins, and pins are not lowered.
    found = trial(cache, "fastapi~=0.115.0", tmp_path)

    assert found["verdict"] == "cannot resolve"
    assert found["collision"] == ["fastapi", "starlette"]
