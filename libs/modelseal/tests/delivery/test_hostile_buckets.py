"""`fetch` from a malicious server: huge models, endless answers, redirects."""

import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from bucket_fixtures import CLIENT_SETTINGS
from buckets import Answer, Bucket, Forward, Request
from http_servers import listening
from model_folders import PublishedModel, contents, siblings, write_model
from modelseal.delivery import bucket_client
from modelseal.delivery.bucket_folder import BucketFolder
from modelseal.delivery.fetching import MAX_MODEL_BYTES, fetch
from modelseal.errors import DeliveryError, UnreachableError

SIZE = 3 * 64 * 1024 + 17 + 40
"""Size of all files of the published model, in bytes."""


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "pod" / "current"


def test_a_model_above_the_size_limit_is_refused_before_its_files_are_fetched(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    with pytest.raises(DeliveryError, match=f"has {SIZE} bytes; at most {SIZE - 1} are fetched"):
        fetch(published.uri, destination, sha256=published.sha256, max_bytes=SIZE - 1)

    assert not any(asked.endswith(("weights.bin", "labels.json")) for asked in bucket.asked)
    assert siblings(destination) == []

    fetch(published.uri, destination, sha256=published.sha256, max_bytes=SIZE)
    assert contents(destination) == contents(published.folder)


@pytest.mark.usefixtures("bucket")
def test_fetch_ends_with_2_if_the_model_is_larger_than_max_bytes(
    published: PublishedModel, destination: Path
) -> None:
    arguments = ["fetch", published.uri, "--sha256", published.sha256, "--to", str(destination)]
    done = subprocess.run(
        [sys.executable, "-m", "modelseal", *arguments, "--max-bytes", "100"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert f"has {SIZE} bytes; at most 100 are fetched. Give a larger --max-bytes" in done.stderr
    assert MAX_MODEL_BYTES == 4 * 2**30


@pytest.mark.parametrize("target", ["itself", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirect_loops_and_redirects_to_other_protocols_are_not_followed(
    bucket: Bucket, published: PublishedModel, destination: Path, target: str
) -> None:
    def elsewhere(request: Request, _forward: Forward) -> Answer:
        location = request.path if target == "itself" else target
        return Answer(302, {"Location": location}, b"")

    bucket.fault = elsewhere
    with pytest.raises(DeliveryError):
        fetch(published.uri, destination, sha256=published.sha256, stall_timeout_s=0)

    assert len(bucket.asked) <= 24
    assert not destination.exists()
    kept = [path for path in destination.parent.rglob("*") if path.is_file()]
    assert [path.name for path in kept] == ["lock"]  # in the folder for the next attempt


def test_a_redirect_from_https_to_http_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain: list[str] = []
    secure: list[str] = []
    options = bucket_client._options  # noqa: SLF001

    def trusting(scheme: str, request_timeout_s: float, user_agent: str) -> Any:  # noqa: ANN401
        # The certificate of the test is self-signed.
        found = options(scheme, request_timeout_s, user_agent)
        return found | {"allow_invalid_certificates": True}

    monkeypatch.setattr(bucket_client, "_options", trusting)

    with (
        listening(plain) as http,
        listening(secure, redirect=f"{http}/manifest.json", tls=tmp_path) as https,
    ):
        for name in CLIENT_SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "emulated")
        monkeypatch.setenv("AWS_ENDPOINT_URL", https)
        with pytest.raises(UnreachableError, match="redirect"):
            next(BucketFolder("s3://models/toy", stall_timeout_s=0).chunks("manifest.json", size=2))

    assert secure == ["/models/toy/manifest.json"]
    assert plain == []


def test_a_request_that_takes_too_long_is_aborted(
    bucket: Bucket, published: PublishedModel
) -> None:
    ended = Event()

    def dripping(request: Request, forward: Forward) -> Answer:
        if request.method == "GET":
            ended.wait(20)
        return forward(request)

    bucket.fault = dripping
    folder = BucketFolder(published.uri, stall_timeout_s=0, request_timeout_s=1)
    try:
        with pytest.raises(UnreachableError):
            next(folder.chunks("labels.json", size=40))
    finally:
        ended.set()


@pytest.mark.usefixtures("bucket")
def test_the_folder_of_a_killed_fetch_of_another_model_is_removed(
    published: PublishedModel, destination: Path
) -> None:
    left = destination.parent / f".current-fetch-{'0' * 16}"
    (left / "parts").mkdir(parents=True)
    (left / "parts" / "weights.bin").write_bytes(b"x" * 1000)
    mine = destination.parent / ".current-fetch-notes"
    mine.mkdir()

    fetch(published.uri, destination, sha256=published.sha256)

    assert siblings(destination) == [".current-fetch-notes"]


def test_a_running_fetch_of_another_model_is_not_disturbed(
    bucket: Bucket, published: PublishedModel, destination: Path, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other", version="2.0.0")
    other.put_into(bucket)

    def fetching_within(request: Request, forward: Forward) -> Answer:
        if request.method == "GET" and request.name == "weights.bin":
            bucket.fault = None
            fetch(other.uri, destination, sha256=other.sha256)
        return forward(request)

    bucket.fault = fetching_within
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)
    assert siblings(destination) == []


@pytest.mark.usefixtures("bucket")
def test_the_target_of_a_link_is_written_and_the_link_stays(
    published: PublishedModel, destination: Path, tmp_path: Path
) -> None:
    destination.parent.mkdir()
    destination.symlink_to(tmp_path / "volume" / "model")

    fetch(published.uri, destination, sha256=published.sha256)

    assert destination.is_symlink()
    assert contents(tmp_path / "volume" / "model") == contents(published.folder)
