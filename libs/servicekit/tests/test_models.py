"""Commands open models of their own service only, and check their outputs."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from modelseal import SealedModelError, SealError, open_sealed
from modelseal.errors import UnknownSignerError, UnsignedError
from modelseal.signing import public_key_of, sign_model
from servicekit.files import DataError
from servicekit.model_options import SignersOption
from servicekit.models import check_outputs, open_model, sealed_message
from typer.testing import CliRunner, Result


def nothing(_folder: Path) -> None:
    pass


def test_a_model_of_the_service_is_opened(sealed_model: Path) -> None:
    opened, predictor = open_model(sealed_model, None, None, name="tiny", kind=object)
    assert opened.manifest.version == "7"
    assert predictor is opened.predictor


def test_a_model_of_another_service_is_refused_before_its_libraries_are_needed(
    sealed_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*_arguments: object, **_options: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr("modelseal.open_sealed", unexpected)
    with pytest.raises(DataError, match=r"holds the model 'tiny' .* not one of other"):
        open_model(sealed_model, None, None, name="other", kind=object)


def test_a_predictor_of_another_kind_is_refused(sealed_model: Path) -> None:
    with pytest.raises(DataError, match="not one of tiny"):
        open_model(sealed_model, None, None, name="tiny", kind=int)


def test_another_digest_is_refused_whatever_the_name(sealed_model: Path) -> None:
    with pytest.raises(SealedModelError, match="the deployment expects"):
        open_model(sealed_model, "0" * 64, None, name="other", kind=object)


@pytest.fixture
def signed_model(sealed_model: Path, tmp_path: Path) -> tuple[Path, str]:
    """A signed model, and the public key of its signer."""
    copy = tmp_path / "signed"
    shutil.copytree(sealed_model, copy)
    key = Ed25519PrivateKey.generate()
    return copy, sign_model(copy, key, signed=datetime.now(UTC)).signer


def test_a_model_of_one_of_the_signers_is_opened(signed_model: tuple[Path, str]) -> None:
    model, signer = signed_model
    other = public_key_of(Ed25519PrivateKey.generate())
    opened, _ = open_model(model, None, [other, signer], name="tiny", kind=object)
    assert opened.manifest.name == "tiny"


def test_a_model_of_another_signer_is_refused_whatever_its_name(
    signed_model: tuple[Path, str],
) -> None:
    other = public_key_of(Ed25519PrivateKey.generate())
    with pytest.raises(UnknownSignerError):
        open_model(signed_model[0], None, [other], name="other", kind=object)


def test_an_unsigned_model_is_refused_if_signers_are_given(sealed_model: Path) -> None:
    signer = public_key_of(Ed25519PrivateKey.generate())
    with pytest.raises(UnsignedError):
        open_model(sealed_model, None, [signer], name="tiny", kind=object)


def given_signers(*arguments: str) -> Result:
    """The signers that a command gets from its arguments."""
    app = typer.Typer()

    @app.command()
    def command(signer: SignersOption = None) -> None:
        typer.echo(str(signer))

    return CliRunner().invoke(app, arguments)


def test_signers_are_given_again_or_separated_by_commas() -> None:
    first, second, third = (public_key_of(Ed25519PrivateKey.generate()) for _ in range(3))
    result = given_signers("--signer", f"{first}, {second}", "--signer", third)
    assert result.output == f"{[first, second, third]}\n"


@pytest.mark.parametrize("key", ["latest", "", f"ed25519:{'A' * 43}="])
def test_an_invalid_public_key_is_an_unusable_input(key: str) -> None:
    result = given_signers("--signer", key)
    assert result.exit_code == 2
    assert "Invalid value for '--signer'" in result.stderr


def test_a_training_prints_the_digest_that_opens_only_its_model(
    sealed_model: Path,
) -> None:
    manifest = open_sealed(sealed_model).manifest
    first, second = sealed_message(manifest, sealed_model).splitlines()
    assert first == f"Sealed tiny 7 in {sealed_model}"
    name, _, digest = second.partition("=")
    assert name == "MODEL_SHA256"
    assert open_sealed(sealed_model, expected_sha256=digest).sha256 == digest


def test_a_report_in_the_models_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lies in the model's folder"):
        check_outputs(tmp_path / "m", tmp_path / "m" / "r", nothing)


def test_both_outputs_are_checked(tmp_path: Path) -> None:
    asked: list[Path] = []
    check_outputs(tmp_path / "m", tmp_path / "r", asked.append)
    assert asked == [tmp_path / "r"]
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "own.txt").touch()
    with pytest.raises(SealError, match="not a sealed model"):
        check_outputs(tmp_path / "m", tmp_path / "r", nothing)
