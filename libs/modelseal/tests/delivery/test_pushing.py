"""`push` writes a model to a bucket, and overwrites nothing."""

from pathlib import Path
from uuid import uuid4

import pytest
from buckets import Answer, Bucket, Forward, Request
from model_folders import PublishedModel, contents, write_model
from modelseal.cli import app
from modelseal.delivery.fetching import fetch
from modelseal.delivery.pushing import push
from modelseal.errors import DeliveryError, FileDigestError
from typer.testing import CliRunner, Result


@pytest.fixture
def trained(tmp_path: Path) -> PublishedModel:
    return write_model(tmp_path / "trained")


@pytest.fixture
def uri(bucket: Bucket) -> str:
    """The address of an empty folder."""
    bucket.asked.clear()
    return f"{bucket.uri}/orders/{uuid4().hex}"


def puts(bucket: Bucket) -> list[str]:
    return [asked.removeprefix("PUT ") for asked in bucket.asked if asked.startswith("PUT ")]


def test_a_pushed_model_can_be_fetched(
    bucket: Bucket, trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    assert push(trained.folder, uri) == trained.sha256
    assert puts(bucket) == ["weights.bin", "labels.json", "empty", "manifest.json"]

    fetch(uri, tmp_path / "current", sha256=trained.sha256)
    assert contents(tmp_path / "current") == contents(trained.folder)


def test_a_folder_on_a_disk_can_be_a_destination(trained: PublishedModel, tmp_path: Path) -> None:
    uri = (tmp_path / "shared" / "toy").as_uri()
    push(trained.folder, uri)
    push(trained.folder, uri)

    assert contents(tmp_path / "shared" / "toy") == contents(trained.folder)
    with pytest.raises(DeliveryError, match="belongs to another model"):
        push(write_model(tmp_path / "other", version="2.0.0").folder, uri)


def test_pushing_the_same_model_again_changes_nothing(
    trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    push(trained.folder, uri)

    assert push(trained.folder, f"{uri}/") == trained.sha256
    fetch(uri, tmp_path / "current", sha256=trained.sha256)


def test_another_model_in_the_folder_is_not_overwritten(
    bucket: Bucket, trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    push(trained.folder, uri)
    other = write_model(tmp_path / "other", version="2.0.0")
    bucket.asked.clear()

    with pytest.raises(DeliveryError, match=r"manifest\.json belongs to another model"):
        push(other.folder, uri)

    assert puts(bucket) == []
    fetch(uri, tmp_path / "current", sha256=trained.sha256)


def test_two_pushes_at_once_cannot_mix(
    bucket: Bucket, trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other", version="2.0.0")
    begun: list[str] = []

    def overtaken(request: Request, forward: Forward) -> Answer:
        # The other model is pushed after the first push has checked that the folder is empty.
        if request.method == "PUT" and not begun:
            begun.append(request.name)
            push(other.folder, uri)
        return forward(request)

    bucket.fault = overtaken
    with pytest.raises(DeliveryError, match="belongs to another model"):
        push(trained.folder, uri)

    fetch(uri, tmp_path / "current", sha256=other.sha256)
    assert contents(tmp_path / "current") == contents(other.folder)


def test_the_next_push_finishes_an_interrupted_one(
    bucket: Bucket, trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    bucket.fault = lambda request, forward: (
        Answer(503, {}, b"")
        if request.method == "PUT" and request.name == "labels.json"
        else forward(request)
    )
    with pytest.raises(DeliveryError, match="503"):
        push(trained.folder, uri, stall_timeout_s=0)
    bucket.fault = None
    with pytest.raises(DeliveryError, match=r"manifest\.json does not exist"):
        fetch(uri, tmp_path / "current", sha256=trained.sha256)

    push(trained.folder, uri)
    fetch(uri, tmp_path / "current", sha256=trained.sha256)


def test_a_lost_answer_to_an_upload_is_not_a_conflict(
    bucket: Bucket, trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    lost: list[str] = []

    def losing(request: Request, forward: Forward) -> Answer | bytes:
        answer = forward(request)
        if request.method == "PUT" and request.name not in lost:
            lost.append(request.name)
            return b""
        return answer

    bucket.fault = losing
    push(trained.folder, uri)

    assert lost == ["weights.bin", "labels.json", "empty", "manifest.json"]
    fetch(uri, tmp_path / "current", sha256=trained.sha256)


def test_nothing_of_a_damaged_model_is_pushed(
    bucket: Bucket, trained: PublishedModel, uri: str
) -> None:
    (trained.folder / "labels.json").write_bytes(b"damaged")

    with pytest.raises(FileDigestError):
        push(trained.folder, uri)
    assert bucket.asked == []


def modelseal(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("bucket")
def test_push_prints_the_settings_of_a_deployment(
    trained: PublishedModel, uri: str, tmp_path: Path
) -> None:
    pushed = modelseal("push", trained.folder, f"{uri}/")

    assert pushed.exit_code == 0
    assert pushed.stdout == f"MODEL_URI={uri}\nMODEL_SHA256={trained.sha256}\n"
    settings = dict(line.split("=", 1) for line in pushed.stdout.splitlines())
    to = tmp_path / "current"
    fetched = modelseal(
        "fetch", settings["MODEL_URI"], "--sha256", settings["MODEL_SHA256"], "--to", to
    )
    assert fetched.exit_code == 0
    assert contents(to) == contents(trained.folder)


def test_refusals_and_failures_have_different_exit_statuses(
    trained: PublishedModel, tmp_path: Path
) -> None:
    source, to = trained.folder.as_uri(), tmp_path / "current"
    refused = modelseal("fetch", source, "--sha256", "0" * 64, "--to", to)
    failed = modelseal("fetch", (tmp_path / "absent").as_uri(), "--sha256", "0" * 64, "--to", to)
    no_model = modelseal("push", tmp_path, (tmp_path / "pushed").as_uri())

    assert refused.exit_code == 1
    assert refused.stderr.startswith("Refused (manifest-digest): ")
    assert failed.exit_code == 2
    assert "modelseal: file://" in failed.stderr
    assert no_model.exit_code == 1
    assert no_model.stderr.startswith("Refused (manifest): There is no sealed model at")
