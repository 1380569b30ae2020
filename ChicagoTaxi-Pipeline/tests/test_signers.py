"""Commands that open a model take the keys of whose models they accept."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chicagotaxi.cli import app
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from modelseal.signing import public_key_of, sign_model
from typer.testing import CliRunner, Result

COMMANDS = ("predict", "hindcast")
Given = Callable[[str], list[object]]


class Signed:
    """A model, and the public keys of its signer and of another one."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.unsigned = model
        self.model = folder / "model"
        shutil.copytree(model, self.model)
        key = Ed25519PrivateKey.generate()
        self.signer = sign_model(self.model, key, signed=datetime.now(UTC)).signer
        self.other = public_key_of(Ed25519PrivateKey.generate())


@pytest.fixture
def signed(sealed: Path, tmp_path: Path) -> Signed:
    return Signed(sealed, tmp_path)


@pytest.fixture
def given(output: Path, tmp_path: Path) -> Given:
    commands: dict[str, list[object]] = {
        "predict": ["predict", "--out", output],
        "hindcast": ["hindcast", tmp_path / "forecasts", "--out", output, "--every", "2000"],
    }
    return commands.__getitem__


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_of_one_of_the_signers_is_used(command: str, signed: Signed, given: Given) -> None:
    keys = ["--signer", signed.other, "--signer", signed.signer]
    result = run(*given(command), "--model", signed.model, *keys)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_of_another_signer_is_refused(command: str, signed: Signed, given: Given) -> None:
    result = run(*given(command), "--model", signed.model, "--signer", signed.other)
    assert result.exit_code == 1
    assert f"is by {signed.signer}, which is not a signer that is accepted here" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unsigned_model_is_refused_where_a_signer_is_given(
    command: str, signed: Signed, given: Given
) -> None:
    result = run(*given(command), "--model", signed.unsigned, "--signer", signed.signer)
    assert result.exit_code == 1
    assert "error: The model is not signed" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_key_is_an_unusable_input(command: str, signed: Signed, given: Given) -> None:
    result = run(*given(command), "--model", signed.model, "--signer", "latest")
    assert result.exit_code == 2
    assert "Invalid value for '--signer'" in result.stderr


@pytest.mark.parametrize("option", ["--signer", "--model-sha256"])
def test_run_trains_no_model_in_place_of_the_one_that_is_asked_for(
    option: str, signed: Signed, tmp_path: Path
) -> None:
    asked = signed.signer if option == "--signer" else "0" * 64
    out = tmp_path / "pipeline"
    result = run("run", "--model", tmp_path / "none", "--out", out, option, asked)
    assert result.exit_code == 1
    assert "error: There is no sealed model at" in result.stderr
    assert not out.exists()


def test_run_refuses_a_model_of_another_signer_before_any_work(
    signed: Signed, tmp_path: Path
) -> None:
    out = tmp_path / "pipeline"
    result = run("run", "--model", signed.model, "--out", out, "--signer", signed.other)
    assert result.exit_code == 1
    assert "which is not a signer that is accepted here" in result.stderr
    assert not out.exists()
