import hashlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelseal.cli import app
from site_packages import on_path, toy_site_packages
from typer.testing import CliRunner, Result

GOLDEN = {
    "inputs": [1.0],
    "outputs": {"score": [3.0], "label": ["high"]},
    "tolerances": {"score": {"absolute": 1e-9}, "label": {}},
}


def modelseal(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def toy_installed(tmp_path: Path) -> Iterator[None]:
    with on_path(toy_site_packages(tmp_path / "site")):
        yield


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(GOLDEN))
    return path


def seal_toy(tmp_path: Path, golden: Path, model: Path | None = None) -> Result:
    if model is None:
        model = tmp_path / "model.pkl"
        model.write_bytes(pickle.dumps(1.5))
    out = tmp_path / "sealed"
    options = ("--out", out, "--loader", "toy", "--golden", golden)
    return modelseal("seal", model, *options, "--name", "toy", "--version", "1.0.0")


def test_a_model_sealed_by_the_command_opens_by_the_command(tmp_path: Path, golden: Path) -> None:
    sealed = seal_toy(tmp_path, golden)

    sha256 = hashlib.sha256((tmp_path / "sealed" / "manifest.json").read_bytes()).hexdigest()
    assert sealed.stderr == f"Sealed toy 1.0.0 into {tmp_path}/sealed.\n"
    assert sealed.stdout == f"MODEL_SHA256={sha256}\n"
    opened = modelseal("open", tmp_path / "sealed", "--sha256", sha256)
    assert opened.exit_code == 0
    lines = opened.stdout.splitlines()
    assert lines[0] == "toy 1.0.0 opens: 1 golden predictions are unchanged."
    assert lines[1].endswith(f"UTC, sha256 {sha256}")
    assert lines[2:] == [
        "  guardedlib     1.2.3",
        "  innocent-used  3.1",
        "  toyservice     1.0.0",
    ]
    document = json.loads(modelseal("open", tmp_path / "sealed", "--format", "json").stdout)
    assert document["opens"] is True
    assert document["running"] == document["written_by"]


def test_open_shows_both_versions_if_a_newer_patch_is_installed(
    model: Path, tmp_path: Path
) -> None:
    with on_path(toy_site_packages(tmp_path / "newer", guardedlib="1.2.9")):
        opened = modelseal("open", model)

    assert "  guardedlib     1.2.9  (written by 1.2.3)" in opened.stdout.splitlines()


def test_open_ends_with_1_and_the_reason_if_the_model_is_refused(model: Path) -> None:
    (model / "model.pkl").write_bytes(b"")

    refused = modelseal("open", model, "--format", "json")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("Refused (file-digest): ")
    assert json.loads(refused.stdout)["code"] == "file-digest"


def test_two_files_of_one_name_are_not_sealed(tmp_path: Path, golden: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.pkl").write_bytes(pickle.dumps(folder))
    files = (tmp_path / "a" / "model.pkl", tmp_path / "b" / "model.pkl")
    options = ("--out", tmp_path / "sealed", "--loader", "toy", "--golden", golden)

    refused = modelseal("seal", *files, *options, "--name", "toy", "--version", "1.0.0")

    assert refused.exit_code == 2
    assert "Several files have the same name: model.pkl, model.pkl." in refused.stderr
    assert not (tmp_path / "sealed").exists()


def test_seal_ends_with_2_and_the_reason_if_the_model_cannot_be_sealed(
    tmp_path: Path, golden: Path
) -> None:
    golden.write_text('{"inputs": []}')
    no_golden_set = seal_toy(tmp_path, golden)
    golden.write_text(json.dumps(GOLDEN))
    no_model = seal_toy(tmp_path, golden, tmp_path / "absent.pkl")

    assert (no_golden_set.exit_code, no_model.exit_code) == (2, 2)
    assert "golden.json is not a golden set: inputs: Tuple should have" in no_golden_set.stderr
    assert "absent.pkl cannot be read: No such file" in no_model.stderr
    assert not (tmp_path / "sealed").exists()
