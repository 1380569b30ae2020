"""`push` and `fetch` copy signatures, and `fetch` accepts a model by its signer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from buckets import Answer, Bucket, Forward, Request
from model_folders import PublishedModel, contents, siblings, write_model
from modelseal import errors
from modelseal.cli import app
from modelseal.delivery.fetching import fetch
from modelseal.delivery.pushing import push
from signers import NOW, Signer
from typer.testing import CliRunner, Result

SIGNER = Signer()


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "pod" / "current"


@pytest.fixture
def signed(bucket: Bucket, tmp_path: Path) -> PublishedModel:
    """A signed model in the bucket, in its own folder."""
    model = write_model(tmp_path / "trained")
    SIGNER.sign(model.folder)
    model.put_into(bucket)
    bucket.asked.clear()
    return model


def signature_of(model: PublishedModel) -> bytes:
    return (model.folder / "signature.json").read_bytes()


def test_a_signed_model_is_pushed_with_its_signature_and_fetched_by_its_signer(
    bucket: Bucket, tmp_path: Path, destination: Path
) -> None:
    model = write_model(tmp_path / "trained")
    SIGNER.sign(model.folder)
    uri = f"{bucket.uri}/signed/{tmp_path.name}-{bucket.uri[:2]}"
    bucket.asked.clear()

    push(model.folder, uri)
    puts = [asked.split()[1] for asked in bucket.asked if asked.startswith("PUT ")]
    assert puts == ["weights.bin", "labels.json", "empty", "signature.json", "manifest.json"]

    assert fetch(uri, destination, signers=[Signer().public, SIGNER.public]).version == "1.0.0"
    assert contents(destination) == contents(model.folder)
    assert "signature.json" in contents(destination)
    assert siblings(destination) == []


def test_fetch_by_digest_includes_the_signature(signed: PublishedModel, destination: Path) -> None:
    fetch(signed.uri, destination, sha256=signed.sha256)

    assert contents(destination)["signature.json"] == signature_of(signed)


def test_if_digest_and_signer_are_given_both_must_match(
    signed: PublishedModel, destination: Path
) -> None:
    with pytest.raises(errors.ManifestDigestError):
        fetch(signed.uri, destination, sha256="0" * 64, signers=[SIGNER.public])
    with pytest.raises(errors.UnknownSignerError):
        fetch(signed.uri, destination, sha256=signed.sha256, signers=[Signer().public])
    assert not destination.exists()

    fetch(signed.uri, destination, sha256=signed.sha256, signers=[SIGNER.public])
    assert contents(destination) == contents(signed.folder)


def other_model(folder: Path, signer: Signer) -> bytes:
    other = write_model(folder, version="2.0.0").folder
    signer.sign(other)
    return (other / "signature.json").read_bytes()


def expired(folder: Path, signer: Signer) -> bytes:
    model = write_model(folder).folder
    signer.sign(model, signed=NOW.replace(year=NOW.year - 1), valid_days=1)
    return (model / "signature.json").read_bytes()


def of_another_key(folder: Path, _signer: Signer) -> bytes:
    model = write_model(folder).folder
    Signer().sign(model)
    return (model / "signature.json").read_bytes()


@pytest.mark.parametrize(
    ("replaced", "error"),
    [
        (None, errors.UnsignedError),
        (other_model, errors.BadSignatureError),
        (of_another_key, errors.UnknownSignerError),
        (expired, errors.SignatureExpiredError),
        (lambda _folder, _signer: b"{}", errors.BadSignatureError),
        (lambda _folder, _signer: b"", errors.BadSignatureError),
        (lambda _folder, _signer: b" " * 20_000, errors.BadSignatureError),
    ],
)
def test_a_removed_or_replaced_signature_is_refused_before_the_files_are_fetched(
    bucket: Bucket,
    signed: PublishedModel,
    tmp_path: Path,
    replaced: Callable[[Path, Signer], bytes] | None,
    error: type[errors.SealedModelError],
) -> None:
    destination = tmp_path / "pod" / "current"
    before = write_model(destination, version="0.9.0")
    kept = contents(before.folder)
    if replaced is None:
        bucket.remove(signed.object("signature.json"))
    else:
        bucket.upload(signed.object("signature.json"), replaced(tmp_path / "other", SIGNER))

    for sha256 in (None, signed.sha256):
        with pytest.raises(error, match=f"{signed.uri}/signature.json"):
            fetch(signed.uri, destination, sha256=sha256, signers=[SIGNER.public])

    asked = {asked.split()[1] for asked in bucket.asked}
    assert asked == {"manifest.json", "signature.json"}
    assert contents(destination) == kept
    assert siblings(destination) == []


def test_another_manifest_with_an_old_signature_is_refused_before_the_files_are_fetched(
    bucket: Bucket, signed: PublishedModel, tmp_path: Path, destination: Path
) -> None:
    lie = write_model(tmp_path / "lie", version="1.0.1")
    for path in lie.folder.iterdir():
        bucket.upload(signed.object(path.name), path.read_bytes())

    with pytest.raises(errors.BadSignatureError, match="signs a manifest with the SHA-256"):
        fetch(signed.uri, destination, signers=[SIGNER.public])
    assert {asked.split()[1] for asked in bucket.asked} == {"manifest.json", "signature.json"}
    assert not destination.exists()


def test_a_model_that_is_replaced_during_the_fetch_is_refused(
    bucket: Bucket, signed: PublishedModel, tmp_path: Path, destination: Path
) -> None:
    # The signature is valid at first, and then the manifest is replaced.
    other = write_model(tmp_path / "other", version="2.0.0")
    seen: list[str] = []

    def exchanged(request: Request, forward: Forward) -> Answer:
        if request.name == "manifest.json" and request.method == "GET":
            seen.append(request.name)
            if len(seen) > 1:
                bucket.upload(
                    signed.object("manifest.json"), (other.folder / "manifest.json").read_bytes()
                )
        return forward(request)

    bucket.fault = exchanged
    with pytest.raises((errors.SealedModelError, errors.DeliveryError)):
        fetch(signed.uri, destination, signers=[SIGNER.public], stall_timeout_s=0)
    assert len(seen) > 1
    assert not destination.exists()


def test_an_invalid_signature_is_refused_even_if_no_signer_is_given(
    bucket: Bucket, signed: PublishedModel, destination: Path
) -> None:
    bucket.upload(signed.object("signature.json"), b"nothing that anybody signed")

    with pytest.raises(errors.BadSignatureError, match="is not valid JSON"):
        fetch(signed.uri, destination, sha256=signed.sha256)
    assert not destination.exists()
    assert siblings(destination) == []


def by_command(uri: str, destination: Path, *options: str, signers: str) -> Result:
    """Run `modelseal fetch` like an init container, with the setting of the service."""
    arguments = ["fetch", uri, "--to", str(destination), *options]
    return CliRunner().invoke(app, arguments, env={"MODEL_SIGNERS": signers})


@pytest.mark.parametrize(
    "before",
    ["", f"{Signer().public},", f"{Signer().public}, "],
    ids=["alone", "after a comma", "after a comma and a space"],
)
def test_fetch_reads_the_signers_from_the_environment(
    signed: PublishedModel, destination: Path, before: str
) -> None:
    result = by_command(signed.uri, destination, signers=before + SIGNER.public)
    assert result.exit_code == 0, result.output
    assert destination.is_dir()


def test_signers_in_the_environment_are_required_even_if_a_digest_is_given(
    signed: PublishedModel, destination: Path
) -> None:
    other = Signer().public
    result = by_command(signed.uri, destination, "--sha256", signed.sha256, signers=other)
    assert result.exit_code == 1
    assert "Refused (unknown-signer)" in result.stderr
    assert not destination.exists()


def test_an_empty_signer_option_is_refused_and_not_ignored(
    signed: PublishedModel, destination: Path
) -> None:
    options = ["--sha256", signed.sha256, "--signer", ""]
    result = by_command(signed.uri, destination, *options, signers="")
    assert result.exit_code == 2
    assert not destination.exists()


def test_an_intact_signed_model_is_not_fetched_again(
    bucket: Bucket, signed: PublishedModel, destination: Path
) -> None:
    fetch(signed.uri, destination, signers=[SIGNER.public])
    bucket.asked.clear()

    fetch(signed.uri, destination, sha256=signed.sha256, signers=[SIGNER.public])
    assert bucket.asked == []
    # Without a digest, only the bucket knows which model is the current one.
    fetch(signed.uri, destination, signers=[SIGNER.public])
    assert {asked.split()[1] for asked in bucket.asked} == {"manifest.json", "signature.json"}


@pytest.mark.parametrize("there", ["unsigned", "of another key", "damaged"])
def test_only_the_signature_is_fetched_if_the_model_is_intact_but_not_signed_by_a_signer(
    bucket: Bucket, signed: PublishedModel, destination: Path, there: str
) -> None:
    model = write_model(destination)
    assert model.sha256 == signed.sha256
    if there == "of another key":
        Signer().sign(destination)
    elif there == "damaged":
        (destination / "signature.json").write_bytes(b"damaged")

    fetch(signed.uri, destination, sha256=signed.sha256, signers=[SIGNER.public])

    assert contents(destination) == contents(signed.folder)
    assert {asked.split()[1] for asked in bucket.asked} == {"signature.json"}
    assert siblings(destination) == []


def test_a_signature_of_an_earlier_attempt_is_removed_if_the_bucket_has_none(
    bucket: Bucket, signed: PublishedModel, destination: Path
) -> None:
    bucket.fault = lambda request, forward: (
        Answer(503, {}, b"") if request.name == "labels.json" else forward(request)
    )
    with pytest.raises(errors.UnreachableError):
        fetch(signed.uri, destination, sha256=signed.sha256, stall_timeout_s=0)
    bucket.fault = None
    bucket.remove(signed.object("signature.json"))

    fetch(signed.uri, destination, sha256=signed.sha256)

    assert "signature.json" not in contents(destination)


def test_a_model_may_be_signed_after_it_was_pushed_but_its_signature_is_never_replaced(
    tmp_path: Path, destination: Path
) -> None:
    model, uri = write_model(tmp_path / "trained"), (tmp_path / "bucket").as_uri()
    push(model.folder, uri)
    SIGNER.sign(model.folder)
    push(model.folder, uri)
    push(model.folder, uri)
    Signer().sign(model.folder)

    with pytest.raises(errors.DeliveryError, match=r"signature\.json is another signature"):
        push(model.folder, uri)
    fetch(uri, destination, signers=[SIGNER.public])


def test_nothing_is_pushed_to_a_folder_with_another_signature(
    bucket: Bucket, signed: PublishedModel
) -> None:
    Signer().sign(signed.folder)

    with pytest.raises(errors.DeliveryError, match=r"signature\.json is another signature"):
        push(signed.folder, signed.uri)
    assert [asked for asked in bucket.asked if asked.startswith("PUT ")] == []


def test_a_signature_of_another_model_is_not_pushed(tmp_path: Path) -> None:
    model = write_model(tmp_path / "trained").folder
    (model / "signature.json").write_bytes(other_model(tmp_path / "other", SIGNER))

    with pytest.raises(errors.BadSignatureError):
        push(model, (tmp_path / "bucket").as_uri())
    assert not (tmp_path / "bucket").exists()


def modelseal(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_fetch_accepts_any_of_several_signers_and_its_exit_statuses_differ(
    tmp_path: Path, destination: Path
) -> None:
    model = write_model(tmp_path / "trained")
    SIGNER.sign(model.folder)
    source = model.folder.as_uri()

    nothing = modelseal("fetch", source, "--to", destination)
    no_key = modelseal("fetch", source, "--to", destination, "--signer", "")
    refused = modelseal("fetch", source, "--to", destination, "--signer", Signer().public)
    assert not destination.exists()
    signers = f"{Signer().public},{SIGNER.public}"
    fetched = modelseal("fetch", source, "--to", destination, "--signer", signers)

    assert nothing.exit_code == 2
    assert "Nothing says which model to accept" in nothing.stderr
    assert no_key.exit_code == 2
    assert "'' is not a public key" in no_key.stderr
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Refused (unknown-signer): ")
    assert fetched.exit_code == 0
    assert json.loads(contents(destination)["signature.json"])["signer"] == SIGNER.public
