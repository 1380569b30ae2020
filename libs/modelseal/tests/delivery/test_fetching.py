"""`fetch` from a working bucket, with valid and invalid models in it."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from buckets import Bucket
from model_folders import PublishedModel, contents, rename_file, siblings, write_model
from modelseal.delivery import remote_manifest
from modelseal.delivery.fetching import fetch
from modelseal.delivery.staging import Staging
from modelseal.errors import (
    DeliveryError,
    FileDigestError,
    ManifestDigestError,
    ManifestError,
    SealedModelError,
)


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "pod" / "current"


def test_the_complete_model_is_fetched_and_no_other_files_remain(
    published: PublishedModel, destination: Path
) -> None:
    manifest = fetch(published.uri, destination, sha256=published.sha256)

    assert manifest.version == "1.0.0"
    assert contents(destination) == contents(published.folder)
    assert siblings(destination) == []
    assert destination.stat().st_mode & 0o777 == 0o755


def test_a_folder_on_a_disk_can_be_a_source(tmp_path: Path, destination: Path) -> None:
    model = write_model(tmp_path / "shared disk" / "model")

    fetch(model.folder.as_uri(), destination, sha256=model.sha256.upper() + "\n")

    assert contents(destination) == contents(model.folder)


def test_an_intact_model_is_not_fetched_again_and_a_damaged_one_is(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    fetch(published.uri, destination, sha256=published.sha256)
    bucket.asked.clear()

    fetch(published.uri, destination, sha256=published.sha256)
    assert bucket.asked == []

    (destination / "labels.json").write_bytes(b"damaged")
    fetch(published.uri, destination, sha256=published.sha256)
    assert contents(destination) == contents(published.folder)


def test_fetch_replaces_another_model_but_no_other_files(
    published: PublishedModel, destination: Path
) -> None:
    write_model(destination, version="0.9.0")
    fetch(published.uri, destination, sha256=published.sha256)
    assert contents(destination) == contents(published.folder)

    (destination / "notes.txt").write_text("precious")
    with pytest.raises(DeliveryError, match="holds other files, too"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert (destination / "notes.txt").read_text() == "precious"


def test_a_manifest_with_another_digest_is_refused_before_anything_else_is_fetched(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    with pytest.raises(ManifestDigestError, match="was asked for"):
        fetch(published.uri, destination, sha256="0" * 64)

    assert {asked.split()[1] for asked in bucket.asked} == {"manifest.json"}
    assert not destination.exists()
    assert siblings(destination) == []


def test_a_manifest_is_not_parsed_before_its_digest_is_verified(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    bucket.upload(published.object("manifest.json"), b"[" * 100_000)

    with pytest.raises(ManifestDigestError):
        fetch(published.uri, destination, sha256=published.sha256)


def test_a_manifest_that_is_too_large_is_not_fetched(
    bucket: Bucket, published: PublishedModel, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_manifest, "MAX_MANIFEST_BYTES", 100)

    with pytest.raises(ManifestError, match="at most 100 are allowed"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert bucket.asked == ["HEAD manifest.json"]


def test_the_error_for_a_missing_file_has_its_address(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    bucket.remove(published.object("weights.bin"))

    with pytest.raises(DeliveryError, match=f"{published.uri}/weights.bin does not exist"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert not destination.exists()


def test_a_missing_model_is_an_error(bucket: Bucket, destination: Path) -> None:
    with pytest.raises(DeliveryError, match=r"manifest\.json does not exist"):
        fetch(f"{bucket.uri}/absent", destination, sha256="0" * 64)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda raw: raw[:-1], id="truncated"),
        pytest.param(lambda raw: raw + b"x", id="longer"),
        pytest.param(lambda _raw: b"", id="empty"),
        pytest.param(lambda raw: raw[:70_000] + b"x" + raw[70_001:], id="one byte in the middle"),
    ],
)
def test_a_file_that_is_not_the_one_that_was_sealed_is_refused(
    bucket: Bucket, published: PublishedModel, destination: Path, change: Callable[[bytes], bytes]
) -> None:
    sealed = (published.folder / "weights.bin").read_bytes()
    bucket.upload(published.object("weights.bin"), change(sealed))

    with pytest.raises(FileDigestError, match=r"was sealed|were sealed"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert not destination.exists()
    assert siblings(destination) == []


def test_the_previous_model_stays_if_the_new_one_is_refused(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    before = write_model(destination, version="0.9.0")
    bucket.upload(published.object("weights.bin"), b"other")

    with pytest.raises(FileDigestError):
        fetch(published.uri, destination, sha256=published.sha256)
    assert contents(destination)["manifest.json"] == (before.folder / "manifest.json").read_bytes()


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/b", "..", "manifest.json", ".x"])
def test_a_name_that_would_leave_the_folder_is_refused_even_with_the_right_digest(
    tmp_path: Path, destination: Path, name: str
) -> None:
    model = rename_file(write_model(tmp_path / "model"), "labels.json", name)

    with pytest.raises(SealedModelError):
        fetch(model.folder.as_uri(), destination, sha256=model.sha256)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "pod"]
    assert siblings(destination) == []


def test_no_file_is_fetched_if_the_disk_has_no_room(
    bucket: Bucket, published: PublishedModel, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Staging, "free_bytes", lambda _self: 1000)

    with pytest.raises(DeliveryError, match="There is no room for the model"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert {asked.split()[1] for asked in bucket.asked} == {
        "manifest.json",
        "signature.json",
    }
    assert siblings(destination) == []


def test_two_fetches_of_a_model_to_the_same_destination_are_refused(
    published: PublishedModel, destination: Path
) -> None:
    with (
        Staging(destination, published.sha256).locked(),
        pytest.raises(DeliveryError, match="is in use"),
    ):
        fetch(published.uri, destination, sha256=published.sha256)

    fetch(published.uri, destination, sha256=published.sha256)


def test_the_staging_folder_is_created_again_if_another_fetch_removes_it_before_the_lock(
    published: PublishedModel, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    removed: list[Path] = []

    def late(file: IO[str], operation: int) -> None:
        if not removed:
            (folder,) = destination.parent.iterdir()
            removed.append(folder)
            shutil.rmtree(folder)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    fetch(published.uri, destination, sha256=published.sha256)

    assert len(removed) == 1
    assert contents(destination) == contents(published.folder)


@pytest.mark.parametrize(
    "uri",
    [
        "models/orders",
        "http://127.0.0.1/models",
        "s3://models",
        "s3:///orders",
        "s3://user:secret@models/orders",
        "s3://models/orders?version=1",
        "gs://models/../other",
        "gs://Models/orders",
        "file://host/models",
        "file:///",
    ],
)
def test_an_invalid_address_is_refused(uri: str, destination: Path) -> None:
    with pytest.raises(DeliveryError, match="is not the address of a sealed model"):
        fetch(uri, destination, sha256="0" * 64)


def test_an_invalid_digest_is_refused(destination: Path) -> None:
    with pytest.raises(DeliveryError, match="is not a SHA-256"):
        fetch("s3://models/orders", destination, sha256="latest")
