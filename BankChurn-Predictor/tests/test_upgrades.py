"""What `pinproof trial` says of real upgrades of this service's libraries.

One that cannot be made is tried in every run. The others take an environment and a training each,
and run nightly (`make test-nightly`).
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
            *(ROOT / "libs/pinproof/.venv/bin/pinproof", "trial", "BankChurn-Predictor", pin),
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


@pytest.mark.nightly
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


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("pin", "refusal"),
    [
        ("numpy~=2.4.0", "series"),
        ("lightgbm~=4.6.0", "series"),
        ("pandas~=2.3.3", "series"),
        # It does without pytz, which the model was written with.
        ("pandas~=3.0.0", "missing-distribution"),
    ],
)
def test_only_the_seal_refuses_upgrades_with_equal_answers(
    cache: Path, tmp_path: Path, pin: str, refusal: str
) -> None:
    found = trial(cache, pin, tmp_path)

    assert found["verdict"] == "needs retraining"
    assert found["evidence"]["failed_at"] is None
    assert largest(found["evidence"]["answers"]) == 0
    assert found["evidence"]["refusal"] == refusal


@pytest.mark.nightly
def test_scikit_learn_1_8_breaks_because_lightgbm_cannot_train_with_it(
    cache: Path, tmp_path: Path
) -> None:
    # The pinned LightGBM calls it with an argument that it has dropped, which no metadata tells.
    found = trial(cache, "scikit-learn~=1.8.0", tmp_path)

    assert found["verdict"] == "breaks at load"
    assert "'force_all_finite'" in found["evidence"]["training_error"]


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="the pair's other half is tried on Linux")
def test_xgboost_3_breaks_because_shap_cannot_read_it(cache: Path, tmp_path: Path) -> None:
    found = trial(cache, "xgboost~=3.2.0", tmp_path)

    assert found["verdict"] == "breaks at load"
    assert "could not convert string to float" in found["evidence"]["failure"]
    assert {moved["name"] for moved in found["moved"]} == {"xgboost-cpu"}
    assert '+xgboost~=3.2.0; sys_platform != "linux"\n' in found["patch"]
