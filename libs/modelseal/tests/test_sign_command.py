"""`modelseal sign`, with keys that OpenSSL makes."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from modelseal import open_sealed
from modelseal.cli import app
from modelseal.manifest import read_manifest
from modelseal.model_files import holds_only_a_model
from modelseal.public_keys import encode_public_key
from signers import Signer
from typer.testing import CliRunner, Result

OPENSSL = shutil.which("openssl")


def modelseal(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


pytestmark = pytest.mark.usefixtures("same_packages")


@pytest.fixture(autouse=True)
def no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELSEAL_KEY_PASSPHRASE", raising=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "signer.pem"
    path.parent.mkdir()
    return Signer().write(path)


def printed(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.stderr
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


def test_the_printed_settings_open_the_model(model: Path, key: Path) -> None:
    signed = modelseal("sign", model, "--key", key)
    settings = printed(signed)

    assert signed.stderr == "Signed toy 1.0.0 without expiry.\n"
    assert settings.keys() == {"MODEL_SHA256", "MODEL_SIGNERS"}
    assert settings["MODEL_SHA256"] == read_manifest(model)[1]
    opened = modelseal("open", model, "--signer", settings["MODEL_SIGNERS"])
    assert opened.exit_code == 0
    others = ",".join([Signer().public, settings["MODEL_SIGNERS"]])
    assert modelseal("open", model, "--signer", others).exit_code == 0
    twice = ("--signer", Signer().public, "--signer", settings["MODEL_SIGNERS"])
    assert modelseal("open", model, *twice).exit_code == 0
    refused = modelseal("open", model, "--signer", Signer().public, "--format", "json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["code"] == "unknown-signer"
    no_key = modelseal("open", model, "--signer", "latest")
    assert no_key.exit_code == 2
    assert "'latest' is not a public key" in no_key.stderr


def test_the_signature_contains_the_signed_model_and_its_expiry(model: Path, key: Path) -> None:
    settings = printed(modelseal("sign", model, "--key", key, "--expires-days", "90"))

    document = json.loads((model / "signature.json").read_bytes())
    assert document.pop("signature")
    at = datetime.fromisoformat(document.pop("signed"))
    assert datetime.now(UTC) - timedelta(minutes=5) < at <= datetime.now(UTC)
    assert datetime.fromisoformat(document.pop("expires")) == at + timedelta(days=90)
    assert document == {
        "format": 1,
        "manifest_sha256": settings["MODEL_SHA256"],
        "name": "toy",
        "version": "1.0.0",
        "signer": settings["MODEL_SIGNERS"],
    }


def test_signing_again_replaces_the_signature_and_leaves_no_other_files(
    model: Path, key: Path, tmp_path: Path
) -> None:
    before = printed(modelseal("sign", model, "--key", Signer().write(tmp_path / "old.pem")))
    around = sorted(path.name for path in tmp_path.iterdir())
    after = printed(modelseal("sign", model, "--key", key))

    assert open_sealed(model, signers=[after["MODEL_SIGNERS"]]).manifest.name == "toy"
    assert modelseal("open", model, "--signer", before["MODEL_SIGNERS"]).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == around
    assert {path.name for path in model.iterdir()} == {
        "manifest.json",
        "model.pkl",
        "signature.json",
    }
    modes = {path.stat().st_mode & 0o777 for path in model.iterdir()}
    assert len(modes) == 1, "the signature is as readable as the rest"
    assert holds_only_a_model(model)


@pytest.mark.parametrize("damage", ["file", "manifest", "no model"])
def test_a_model_that_does_not_verify_is_not_signed(model: Path, key: Path, damage: str) -> None:
    if damage == "file":
        (model / "model.pkl").write_bytes(b"other")
    elif damage == "manifest":
        path = model / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b"0.75", b"0.99"))
    else:
        (model / "manifest.json").unlink()

    refused = modelseal("sign", model, "--key", key)

    assert refused.exit_code == 1
    assert refused.stderr.startswith("Refused (")
    assert not (model / "signature.json").exists()


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_key_of_openssl_signs_and_has_the_public_key_that_openssl_prints(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str | None
) -> None:
    assert OPENSSL is not None
    key = tmp_path / "signer.pem"
    secret = ["-aes256", "-pass", f"pass:{passphrase}"] if passphrase else []
    make = [OPENSSL, "genpkey", "-algorithm", "ed25519", *secret, "-out", str(key)]
    subprocess.run(make, check=True, capture_output=True)
    secret = ["-passin", f"pass:{passphrase}"] if passphrase else []
    show = [OPENSSL, "pkey", "-in", str(key), *secret, "-pubout", "-outform", "DER"]
    der = subprocess.run(show, check=True, capture_output=True).stdout
    if passphrase:
        monkeypatch.setenv("MODELSEAL_KEY_PASSPHRASE", passphrase)

    settings = printed(modelseal("sign", model, "--key", key))

    assert settings["MODEL_SIGNERS"] == encode_public_key(der[-32:])
    assert open_sealed(model, signers=[settings["MODEL_SIGNERS"]]).manifest.name == "toy"


def test_a_passphrase_is_ignored_for_an_unencrypted_key(
    model: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSEAL_KEY_PASSPHRASE", "not needed")

    assert printed(modelseal("sign", model, "--key", key))


def _elliptic(path: Path) -> None:
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("absent", "cannot be read: No such file"),
        ("a folder", "cannot be read: Is a directory"),
        ("no key", "has no private key in PEM"),
        ("a public key", "has no private key in PEM"),
        ("damaged", "cannot be used: it is damaged"),
        ("of another kind", "is not an ed25519 key"),
        ("encrypted", "is encrypted"),
        ("wrong passphrase", "it is damaged, or the passphrase is wrong"),
    ],
)
def test_sign_ends_with_2_and_signs_nothing_if_the_key_cannot_be_used(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, message: str
) -> None:
    path = tmp_path / "signer.pem"
    match kind:
        case "a folder":
            path.mkdir()
        case "no key":
            path.write_bytes(os.urandom(100))
        case "a public key":
            path.write_text("-----BEGIN PUBLIC KEY-----\n")
        case "damaged":
            text = Signer().write(path).read_text()
            path.write_text(text.replace("M", "A", 1).replace("C", "!", 1))
        case "of another kind":
            _elliptic(path)
        case "encrypted" | "wrong passphrase":
            Signer().write(path, passphrase=b"right")
    if kind == "wrong passphrase":
        monkeypatch.setenv("MODELSEAL_KEY_PASSPHRASE", "wrong")

    failed = modelseal("sign", model, "--key", path)

    assert failed.exit_code == 2
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (model / "signature.json").exists()


def test_a_signature_that_cannot_be_written_leaves_no_temporary_files(
    model: Path, key: Path, tmp_path: Path
) -> None:
    modelseal("sign", model, "--key", key)
    before = (model / "signature.json").read_bytes()
    (model / "signature.json").unlink()
    (model / "signature.json").mkdir()  # nothing replaces a folder, even for root

    failed = modelseal("sign", model, "--key", key)

    assert failed.exit_code == 2
    assert "signature.json cannot be written" in failed.stderr
    (model / "signature.json").rmdir()
    (model / "signature.json").write_bytes(before)
    assert holds_only_a_model(model)
    assert [path.name for path in tmp_path.glob(".model-*")] == []


def test_a_full_disk_leaves_the_previous_signature_unchanged(
    model: Path, key: Path, tmp_path: Path
) -> None:
    modelseal("sign", model, "--key", key)
    before = (model / "signature.json").read_bytes()
    around = sorted(tmp_path.iterdir())
    # The size limit of a process makes write() fail as a full disk does.
    code = (
        "import resource, signal\n"
        "from modelseal.cli import app\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "app()\n"
    )
    process = subprocess.run(
        [sys.executable, "-B", "-c", code, "sign", str(model), "--key", str(key)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 2
    assert "signature.json cannot be written: File too large" in process.stderr
    assert (model / "signature.json").read_bytes() == before
    assert sorted(tmp_path.iterdir()) == around


def test_days_are_whole_and_at_least_one(model: Path, key: Path) -> None:
    for days in ("0", "-1", "1.5", "99999999999"):
        assert modelseal("sign", model, "--key", key, "--expires-days", days).exit_code == 2
    assert not (model / "signature.json").exists()
