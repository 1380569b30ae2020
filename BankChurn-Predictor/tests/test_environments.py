"""The same model in real second environments, each with one thing changed.

What ADR-005 says of upgrades is checked here, and so is that the seal refuses each of them
before anything is unpickled.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SERVICE = Path(__file__).parents[1]
ROOT = SERVICE.parent
UV = ROOT / ".tools" / "uv" / "bin" / "uv"

# Loads the files without asking whether the environment is the right one, as a service without
# a seal would, and compares its answers with the golden ones.
UNGUARDED = """
import json, sys
from pathlib import Path
from modelseal import SealedModelError
from modelseal.golden import differences
from modelseal.manifest import read_manifest
from modelseal.model_files import read_files
from modelseal.opening import load_predictor

model = Path(sys.argv[1])
manifest, _ = read_manifest(model)
try:
    predictor = load_predictor(manifest.loader, read_files(model, manifest))
    answers = predictor.replay(manifest.golden.inputs)
except SealedModelError as error:
    print(json.dumps({"code": error.code, "message": error.message}))
else:
    print(json.dumps({"code": None, "moved": differences(manifest.golden, answers)}))
"""

pytestmark = pytest.mark.slow


class Environment:
    """An environment of the service, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "venv"
        self.python = self._folder / "bin" / "python"

    @classmethod
    def make(cls, folder: Path, python: str | None = None) -> "Environment":
        """Make one from the service's production pins."""
        made = cls(folder)
        base = python or str(SERVICE / ".venv" / "bin" / "python")
        _uv("venv", "--quiet", "--python", base, str(made._folder))
        made._install(
            *("-r", str(SERVICE / "requirements-prod.txt")),
            *(
                argument
                for name in ("modelseal", "modelwatch", "servicekit")
                for argument in ("-e", str(ROOT / "libs" / name))
            ),
            *("-e", str(SERVICE)),
        )
        return made

    def with_other(self, requirement: str, folder: Path) -> "Environment":
        """A copy in which one distribution is another; the pins hold all others where they are."""
        shutil.copytree(self._folder, folder / "venv", symlinks=True, copy_function=os.link)
        copy = Environment(folder)
        copy._install("--no-deps", requirement)
        return copy

    def _install(self, *what: str) -> None:
        _uv("pip", "install", "--quiet", "--python", str(self.python), *what)

    def open(self, model: Path) -> dict[str, Any]:
        """What `modelseal open` says of a model here."""
        return self._run("-m", "modelseal", "open", str(model), "--format", "json")

    def load_unguarded(self, model: Path) -> dict[str, Any]:
        """What happens to a model here that nobody guards."""
        return self._run("-c", UNGUARDED, str(model))

    def _run(self, *arguments: str) -> dict[str, Any]:
        process = subprocess.run(
            [self.python, *arguments], capture_output=True, text=True, check=False
        )
        assert process.stdout, process.stderr
        answer: dict[str, Any] = json.loads(process.stdout)
        return answer


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment made from the same pins as the one that the model was sealed in."""
    return Environment.make(tmp_path_factory.mktemp("same"))


def test_an_environment_made_from_the_same_pins_opens_the_model(
    sealed: Path, same: Environment
) -> None:
    opened = same.open(sealed)

    assert opened["opens"] is True
    assert opened["running"] == opened["written_by"]


def test_numpy_2_is_refused_although_loading_would_have_changed_nothing(
    sealed: Path, same: Environment, tmp_path: Path
) -> None:
    environment = same.with_other("numpy~=2.2.6", tmp_path)

    refusal = environment.open(sealed)
    assert refusal["code"] == "series"
    assert "numpy 1.26.4; 2.2.6, which runs here" in refusal["message"]
    assert environment.load_unguarded(sealed) == {"code": None, "moved": []}


def test_scikit_learn_1_6_is_refused_where_loading_would_have_failed(
    sealed: Path, same: Environment, tmp_path: Path
) -> None:
    environment = same.with_other("scikit-learn~=1.6.1", tmp_path)

    refusal = environment.open(sealed)
    assert refusal["code"] == "series"
    assert "scikit-learn 1.5.2; 1.6.1, which runs here" in refusal["message"]
    # It has another way to pickle a loss, and does not know the name of the one before.
    unguarded = environment.load_unguarded(sealed)
    assert unguarded["code"] == "unsafe-pickle"
    assert "names _loss:__pyx_unpickle_CyHalfBinomialLoss, which" in unguarded["message"]


def test_an_older_patch_of_scikit_learn_is_refused(
    sealed: Path, same: Environment, tmp_path: Path
) -> None:
    refusal = same.with_other("scikit-learn==1.5.1", tmp_path).open(sealed)

    assert refusal["code"] == "older-than-writer"
    assert "scikit-learn 1.5.2; 1.5.1, which runs here, is older" in refusal["message"]


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="xgboost-cpu has wheels for Linux only")
def test_xgboost_3_is_refused(sealed: Path, same: Environment, tmp_path: Path) -> None:
    refusal = same.with_other("xgboost-cpu~=3.0.0", tmp_path).open(sealed)

    assert refusal["code"] == "series"
    assert "xgboost-cpu 2.1.4; 3.0." in refusal["message"]


def test_another_minor_version_of_python_is_refused(sealed: Path, tmp_path: Path) -> None:
    written_by = json.loads((sealed / "manifest.json").read_text())["python"]
    other = "3.12" if written_by.startswith("3.11.") else "3.11"
    interpreter = _find_python(other)
    if interpreter is None:
        pytest.skip(f"no Python {other} on this machine; install one to test this")

    refusal = Environment.make(tmp_path, interpreter).open(sealed)

    assert refusal["code"] == "python"
    assert f"written by Python {written_by}; this is Python {other}." in refusal["message"]


def _find_python(minor: str) -> str | None:
    """An interpreter of a minor version: on the path, managed by uv, or installed by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [minor, *map(str, sorted(pyenv.glob(f"versions/{minor}.*/bin/python")))]
    for candidate in candidates:
        found = _run_uv("python", "find", "--no-project", candidate)
        if found.returncode == 0:
            return found.stdout.strip()
    return None


def _uv(*arguments: str) -> None:
    process = _run_uv(*arguments)
    assert process.returncode == 0, process.stderr


def _run_uv(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [UV, *arguments],
        env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=False,
    )
