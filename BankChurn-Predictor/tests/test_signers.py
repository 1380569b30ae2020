"""Commands that open a model take the keys of whose models they accept."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bankchurn.cli import app
from bankchurn.sample import generate_sample
from bankchurn.schema import example
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from modelseal.signing import public_key_of, sign_model
from typer.testing import CliRunner, Result

COMMANDS = ("evaluate", "predict", "explain")
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
def given(tmp_path: Path) -> Given:
    table, customer = tmp_path / "in.csv", tmp_path / "customer.json"
    generate_sample(200, seed=1).to_csv(table, index=False)
    customer.write_text(json.dumps(example()))
    commands: dict[str, list[object]] = {
        "evaluate": ["evaluate", table, "--reports", tmp_path / "reports"],
        "predict": ["predict", table, tmp_path / "out.csv"],
        "explain": ["explain", customer],
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
