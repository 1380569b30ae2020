"""How a pod gets its model: by an init container of the same image, into an emptyDir."""

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from images.buckets import Bucket, gcs
from images.containers import Container, podman, run
from images.pods import serving
from images.services import Model, Service

# The first test of a service trains its model, on a machine that may be busy.
pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]

PAGE = 4096


@pytest.fixture
def empty_dir() -> Iterator[str]:
    """A volume that belongs to the pod's user, as fsGroup makes it."""
    name = f"test-{uuid4().hex[:12]}"
    podman("volume", "create", name)
    yield name
    podman("volume", "rm", "--force", name)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with gcs(tmp_path_factory.mktemp("bucket")) as running:
        yield running


def fetch(uri: str, sha256: str) -> list[str]:
    return ["fetch", uri, "--sha256", sha256, "--to", "/model/current"]


def test_the_init_container_fetches_from_a_bucket_what_the_service_then_proves(
    service: Service, model: Model, bucket: Bucket, empty_dir: str
) -> None:
    uri = bucket.upload(model.folder)
    init = run(
        service.image,
        *fetch(uri, model.sha256),
        entrypoint="modelseal",
        mounts=[(empty_dir, "/model", "U")],
        environment=bucket.environment,
        options=["--memory=256m"],
    )
    assert init.returncode == 0, init.stderr
    assert init.stdout.endswith("is in /model/current.\n")

    with serving(service, Model(Path(empty_dir) / "current", model.sha256, model.data)) as app:
        app.wait_for("/ready", 200)


def test_a_model_that_is_not_the_one_asked_for_ends_the_init_container_with_1(
    service: Service, model: Model, empty_dir: str
) -> None:
    init = run(
        service.image,
        *fetch("file:///source", "0" * 64),
        entrypoint="modelseal",
        mounts=[(empty_dir, "/model", "U"), (model.folder, "/source", "ro")],
    )

    assert init.returncode == 1
    assert init.stderr.startswith("Refused (manifest-digest): ")
    assert listing(service, empty_dir) == "[]"


def test_a_full_disk_ends_the_init_container_with_2_and_stays_as_it_was(
    service: Service, model: Model
) -> None:
    # The manifest alone fits, in whole pages of memory; the smallest model needs one more.
    room = -(-(model.folder / "manifest.json").stat().st_size // PAGE) * PAGE
    code = (
        "import os, subprocess, sys\n"
        f"done = subprocess.run(['modelseal', *{fetch('file:///source', model.sha256)!r}])\n"
        "print(os.listdir('/model'))\n"
        "sys.exit(done.returncode)\n"
    )
    init = run(
        service.image,
        "-c",
        code,
        entrypoint="python",
        mounts=[(model.folder, "/source", "ro")],
        options=[f"--tmpfs=/model:rw,size={room},mode=1777"],
    )

    assert init.returncode == 2, init.stderr
    assert "room" in init.stderr
    assert init.stdout.strip() == "[]"


def test_a_volume_that_is_not_writable_is_reported(
    service: Service, model: Model, tmp_path: Path
) -> None:
    init = run(
        service.image,
        *fetch("file:///source", model.sha256),
        entrypoint="modelseal",
        mounts=[(tmp_path, "/model", "ro"), (model.folder, "/source", "ro")],
    )

    assert init.returncode == 2
    assert "/model/current cannot be written: " in init.stderr


def test_an_init_container_that_waits_for_its_bucket_ends_when_the_pod_does(
    service: Service, empty_dir: str
) -> None:
    waiting = Container(
        service.image,
        *fetch("gs://models/orders", "0" * 64),
        environment={"GOOGLE_BASE_URL": "http://127.0.0.1:9", "GOOGLE_BEARER_TOKEN": "emulated"},
        mounts=[(empty_dir, "/model", "U")],
        options=["--entrypoint=modelseal"],
    )
    with waiting:
        waiting.wait_for_log("Trying again in")
        waiting.signal(signal.SIGTERM)

        assert waiting.exit_code() == 143


def listing(service: Service, volume: str) -> str:
    done = run(
        service.image,
        "-c",
        "import os; print(os.listdir('/model'))",
        entrypoint="python",
        mounts=[(volume, "/model", "ro")],
    )
    return done.stdout.strip()
