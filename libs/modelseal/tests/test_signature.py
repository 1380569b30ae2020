"""A model that must be signed is refused before loading if no signer signed it."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from modelseal import Manifest, SealedModelError, errors, open_sealed
from modelseal.manifest import encode_manifest, read_manifest
from modelseal.signature import SIGNATURE_NAME
from signers import NOW, Signer

pytestmark = pytest.mark.usefixtures("same_packages")


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def signed(model: Path, signer: Signer) -> Path:
    signer.sign(model)
    return model


def refuses(
    model: Path, marker: Path, *signers: Signer, sha256: str | None = None
) -> SealedModelError:
    """Open a model that must be refused before its loader is called; return the refusal."""
    with pytest.raises(SealedModelError) as refusal:
        open_sealed(model, expected_sha256=sha256, signers=[one.public for one in signers])
    assert not marker.exists()
    return refusal.value


def test_a_signed_model_opens_for_its_signer_and_for_one_of_several(
    signed: Path, signer: Signer, marker: Path
) -> None:
    digest = read_manifest(signed)[1]

    assert open_sealed(signed, signers=[signer.public]).sha256 == digest
    assert marker.exists()
    others = [Signer().public, f" {signer.public}\n"]
    assert open_sealed(signed, signers=others, expected_sha256=digest).sha256 == digest


def test_an_unsigned_model_opens_if_no_signer_is_given(model: Path) -> None:
    assert open_sealed(model).manifest.name == "toy"
    (model / SIGNATURE_NAME).write_text("no signature at all")
    assert open_sealed(model).manifest.name == "toy"


@pytest.mark.parametrize("stripped", ["never signed", "removed", "dangling link"])
def test_a_model_without_its_signature_is_refused(
    signed: Path, signer: Signer, marker: Path, stripped: str
) -> None:
    (signed / SIGNATURE_NAME).unlink()
    if stripped == "dangling link":
        (signed / SIGNATURE_NAME).symlink_to(signed / "absent")

    refusal = refuses(signed, marker, signer)

    assert isinstance(refusal, errors.UnsignedError)
    assert "signature.json does not exist" in refusal.message
    assert "MODEL_SIGNERS" in refusal.remedy


def test_a_signature_by_another_key_is_refused(signed: Path, marker: Path) -> None:
    refusal = refuses(signed, marker, Signer(), Signer())

    assert isinstance(refusal, errors.UnknownSignerError)


def test_a_signature_that_names_a_signer_who_did_not_make_it_is_refused(
    signed: Path, signer: Signer, marker: Path
) -> None:
    Signer().sign_as(signed, signer=signer.public)

    refusal = refuses(signed, marker, signer)

    assert isinstance(refusal, errors.BadSignatureError)
    assert f"was not made by {signer.public}" in refusal.message


def test_a_signature_of_another_model_is_refused(
    signed: Path, signer: Signer, marker: Path, tmp_path: Path
) -> None:
    lying = tmp_path / "lying"
    shutil.copytree(signed, lying)
    manifest = (lying / "manifest.json").read_bytes().replace(b'"1.0.0"', b'"1.0.1"', 1)
    (lying / "manifest.json").write_bytes(manifest)

    refusal = refuses(lying, marker, signer)

    assert isinstance(refusal, errors.BadSignatureError)
    assert "belongs to another model, or the manifest changed" in refusal.remedy


def test_only_a_signer_or_a_digest_stops_a_consistent_forgery(
    signed: Path, signer: Signer, marker: Path, tmp_path: Path
) -> None:
    digest = read_manifest(signed)[1]
    replace_file(signed, pickle.dumps(Payload(tmp_path / "taken over")))

    assert isinstance(refuses(signed, marker, signer), errors.BadSignatureError)
    assert isinstance(refuses(signed, marker, sha256=digest), errors.ManifestDigestError)
    assert not (tmp_path / "taken over").exists()
    # Without a signer or a digest, it is refused only after it was loaded.
    with pytest.raises(errors.PredictError):
        open_sealed(signed)
    assert (tmp_path / "taken over").exists()


@pytest.mark.parametrize(("signed_at", "days"), [(-1, 2), (0, None), (-365, None)])
def test_a_signature_is_accepted_until_it_expires(
    model: Path, signer: Signer, signed_at: int, days: int | None
) -> None:
    signer.sign(model, signed=NOW + timedelta(days=signed_at), valid_days=days)

    assert open_sealed(model, signers=[signer.public]).manifest.name == "toy"


@pytest.mark.parametrize("signed_at", [-1, -2, -365])
def test_a_signature_is_refused_from_its_expiry_on(
    model: Path, signer: Signer, marker: Path, signed_at: int
) -> None:
    signer.sign(model, signed=NOW + timedelta(days=signed_at), valid_days=1)

    refusal = refuses(model, marker, signer)

    assert isinstance(refusal, errors.SignatureExpiredError)
    assert "UTC now" in refusal.message


def test_an_expired_signature_of_an_unknown_signer_is_refused_as_unknown(
    model: Path, marker: Path
) -> None:
    Signer().sign(model, signed=NOW - timedelta(days=2), valid_days=1)

    assert isinstance(refuses(model, marker, Signer()), errors.UnknownSignerError)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[" * 10_000, "is not valid JSON"),
        (b"1" * 10_000, "is not valid JSON"),
        (b"[]", "is not a signature of format 1: document:"),
        (b"{}", "is not a signature of format 1: format: Field required"),
        (b'{"format": 2}', "is not a signature of format 1: format:"),
        (b" " * 20_000, "is larger than 16384 bytes"),
    ],
)
def test_an_invalid_signature_is_refused(
    signed: Path, signer: Signer, marker: Path, contents: bytes, message: str
) -> None:
    (signed / SIGNATURE_NAME).write_bytes(contents)

    refusal = refuses(signed, marker, signer)

    assert isinstance(refusal, errors.BadSignatureError)
    assert message in refusal.message


def test_a_huge_signature_is_refused_without_reading_all_of_it(
    signed: Path, signer: Signer, marker: Path
) -> None:
    with (signed / SIGNATURE_NAME).open("wb") as file:
        file.truncate(2**40)  # a sparse file, larger than the memory

    assert "is larger than" in refuses(signed, marker, signer).message


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a pipe", "device", "link to itself"])
def test_a_signature_that_is_not_a_regular_file_is_refused_without_waiting(
    signed: Path, signer: Signer, marker: Path, tmp_path: Path, kind: str
) -> None:
    path = signed / SIGNATURE_NAME
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link to a pipe":
            os.mkfifo(tmp_path / "pipe")
            path.symlink_to(tmp_path / "pipe")
        case "device":
            path.symlink_to("/dev/zero")
        case "link to itself":
            path.symlink_to(path)

    refusal = refuses(signed, marker, signer)

    assert isinstance(refusal, errors.BadSignatureError)
    assert "signature.json cannot be read" in refusal.message


def test_a_link_to_the_signature_is_followed(signed: Path, signer: Signer, tmp_path: Path) -> None:
    (signed / SIGNATURE_NAME).rename(tmp_path / "elsewhere.json")
    (signed / SIGNATURE_NAME).symlink_to(tmp_path / "elsewhere.json")

    assert open_sealed(signed, signers=[signer.public]).manifest.name == "toy"


Change = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda raw: json.dumps(json.loads(raw)).encode(), id="other spaces"),
        pytest.param(lambda raw: raw + b"\n", id="a line more"),
        pytest.param(lambda raw: b"\xef\xbb\xbf" + raw, id="a byte order mark"),
        pytest.param(lambda raw: raw.replace(b"{", b'{"format": 1,', 1), id="a field twice"),
        pytest.param(lambda raw: raw.replace(b"Z", b"+00:00", 1), id="the same time otherwise"),
    ],
)
def test_another_encoding_of_the_same_signature_is_refused(
    signed: Path, signer: Signer, marker: Path, change: Change
) -> None:
    path = signed / SIGNATURE_NAME
    changed = change(path.read_bytes())
    assert changed != path.read_bytes()
    path.write_bytes(changed)

    assert isinstance(refuses(signed, marker, signer), errors.BadSignatureError)


@pytest.mark.parametrize("field", ["name", "version"])
def test_a_signature_with_another_name_or_version_is_refused(
    signed: Path, signer: Signer, marker: Path, field: str
) -> None:
    signer.sign_as(signed, **{field: "other"})

    refusal = refuses(signed, marker, signer)

    assert isinstance(refusal, errors.BadSignatureError)
    assert "the manifest calls it ('toy', '1.0.0')" in refusal.message


def test_a_manifest_is_not_parsed_before_its_signature_is_verified(
    signed: Path, signer: Signer, marker: Path
) -> None:
    (signed / "manifest.json").write_bytes(b"[" * 100_000)

    assert isinstance(refuses(signed, marker, signer), errors.BadSignatureError)


def test_a_damaged_file_of_a_signed_model_is_refused(
    signed: Path, signer: Signer, marker: Path
) -> None:
    (signed / "model.pkl").write_bytes(b"damaged")

    assert isinstance(refuses(signed, marker, signer), errors.FileDigestError)


def test_a_signer_does_not_replace_the_expected_digest(
    signed: Path, signer: Signer, marker: Path
) -> None:
    refusal = refuses(signed, marker, signer, sha256="0" * 64)

    assert isinstance(refusal, errors.ManifestDigestError)


def test_an_invalid_signer_is_an_error_even_if_the_model_is_valid(
    signed: Path, signer: Signer, marker: Path
) -> None:
    for signers in ([signer.public, "latest"], signer.public):
        with pytest.raises(errors.PublicKeyError):
            open_sealed(signed, signers=signers)
    assert not marker.exists()


def test_opening_imports_cryptography_only_if_a_signer_is_given(
    signed: Path, signer: Signer
) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from modelseal import open_sealed\n"
        "import modelseal.cli\n"
        "open_sealed(Path(sys.argv[1]), signers=sys.argv[2:])\n"
        "print('cryptography' in sys.modules)\n"
    )

    def loads(*signers: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(signed), *signers],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert loads() == "False\n"
    assert loads(signer.public) == "True\n"


class Payload:
    """Pickles to a function call, like a malicious model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def replace_file(model: Path, contents: bytes) -> None:
    """Replace a file of a model, and write a manifest with the right digests."""
    (model / "model.pkl").write_bytes(contents)
    document = read_manifest(model)[0].model_dump(mode="json")
    record = {"sha256": hashlib.sha256(contents).hexdigest(), "size": len(contents)}
    document["files"]["model.pkl"] = record
    (model / "manifest.json").write_bytes(encode_manifest(Manifest.model_validate(document)))
