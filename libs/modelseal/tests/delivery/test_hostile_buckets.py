"""What `fetch` does with a server that wants to fill disks, never ends, or sends it elsewhere."""

import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from buckets import Answer, Bucket, Forward, Request
from conftest import CLIENT_SETTINGS
from deliverables import Published, around, contents, publishable
from loopback import listening
from modelseal.delivery import bucket_folder
from modelseal.delivery.bucket_folder import BucketFolder
from modelseal.delivery.fetching import MAX_MODEL_BYTES, fetch
from modelseal.errors import DeliveryError, UnreachableError

SIZE = 3 * 64 * 1024 + 17 + 40
"""Of all files of the published model."""


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "pod" / "current"


def test_a_model_larger_than_the_bound_is_refused_by_its_manifest(
    bucket: Bucket, published: Published, destination: Path
) -> None:
    with pytest.raises(DeliveryError, match=f"has {SIZE} bytes; at most {SIZE - 1} are fetched"):
        fetch(published.uri, destination, sha256=published.sha256, max_bytes=SIZE - 1)

    assert not any(asked.endswith(("weights.bin", "labels.json")) for asked in bucket.asked)
    assert around(destination) == []

    fetch(published.uri, destination, sha256=published.sha256, max_bytes=SIZE)
    assert contents(destination) == contents(published.folder)


@pytest.mark.usefixtures("bucket")
def test_the_bound_is_an_option_of_the_command_and_ends_with_2(
    published: Published, destination: Path
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
def test_redirects_without_end_or_to_another_protocol_are_not_followed(
    bucket: Bucket, published: Published, destination: Path, target: str
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
    assert [path.name for path in kept] == ["lock"]  # of the folder for the next try


def test_a_redirect_from_https_to_http_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain: list[str] = []
    secure: list[str] = []
    client = bucket_folder._client  # noqa: SLF001

    def trusting(scheme: str, timeout_s: float) -> Any:  # noqa: ANN401
        # The certificate of the test is its own.
        return client(scheme, timeout_s) | {"allow_invalid_certificates": True}

    monkeypatch.setattr(bucket_folder, "_client", trusting)

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


def test_an_answer_that_drips_is_given_up(bucket: Bucket, published: Published) -> None:
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
def test_what_a_killed_fetch_of_another_model_left_is_removed(
    published: Published, destination: Path
) -> None:
    left = destination.parent / f".current-fetch-{'0' * 16}"
    (left / "parts").mkdir(parents=True)
    (left / "parts" / "weights.bin").write_bytes(b"x" * 1000)
    mine = destination.parent / ".current-fetch-notes"
    mine.mkdir()

    fetch(published.uri, destination, sha256=published.sha256)

    assert around(destination) == [".current-fetch-notes"]


def test_a_fetch_of_another_model_that_is_at_work_is_left_alone(
    bucket: Bucket, published: Published, destination: Path, tmp_path: Path
) -> None:
    other = publishable(tmp_path / "other", version="2.0.0")
    other.put_into(bucket)

    def fetching_within(request: Request, forward: Forward) -> Answer:
        if request.method == "GET" and request.name == "weights.bin":
            bucket.fault = None
            fetch(other.uri, destination, sha256=other.sha256)
        return forward(request)

    bucket.fault = fetching_within
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)
    assert around(destination) == []


@pytest.mark.usefixtures("bucket")
def test_a_link_as_the_destination_is_followed_and_stays(
    published: Published, destination: Path, tmp_path: Path
) -> None:
    destination.parent.mkdir()
    destination.symlink_to(tmp_path / "volume" / "model")

    fetch(published.uri, destination, sha256=published.sha256)

    assert destination.is_symlink()
    assert contents(tmp_path / "volume" / "model") == contents(published.folder)
