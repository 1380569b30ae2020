import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from buckets import Bucket, gcs, s3
from deliverables import PIECE, Published, publishable
from hypothesis import settings
from modelseal import GoldenSet, Tolerance, seal
from modelseal.delivery import bucket_folder
from sites import Site, on_path, toy_site

CLIENT_SETTINGS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN")

GOLDEN = GoldenSet(
    inputs=(0.5, 1.0, 2.0),
    outputs={"score": (1.5, 3.0, 6.0), "label": ("low", "high", "high")},
    tolerances={"score": Tolerance(absolute=1e-9), "label": Tolerance()},
)

# How long an example takes says more about the machine than about the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bucket]]:
    """The emulators, each started when it is first asked for."""
    running: dict[str, Bucket] = {}
    with ExitStack() as stack:

        def emulator(scheme: str) -> Bucket:
            if scheme not in running:
                folder = tmp_path_factory.mktemp("gcs")
                running[scheme] = stack.enter_context(s3() if scheme == "s3" else gcs(folder))
            return running[scheme]

        yield emulator


@pytest.fixture(params=["s3", "gs"])
def bucket(
    request: pytest.FixtureRequest,
    emulators: Callable[[str], Bucket],
    monkeypatch: pytest.MonkeyPatch,
) -> Bucket:
    """A bucket that works, of each kind."""
    found = emulators(request.param)
    found.fault = None
    for name in CLIENT_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    # Small pieces, so that a small file has several.
    monkeypatch.setattr(bucket_folder, "CHUNK_BYTES", PIECE)
    return found


@pytest.fixture
def published(bucket: Bucket, tmp_path: Path) -> Published:
    """A model that lies in the bucket, in a folder of this test's own."""
    model = publishable(tmp_path / "trained")
    model.put_into(bucket)
    bucket.asked.clear()
    return model


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was sealed where guardedlib 1.2.3 was installed; not to be changed."""
    folder = tmp_path_factory.mktemp("sealed")
    with on_path(toy_site(folder / "writer")):
        seal(
            folder / "model",
            name="toy",
            version="1.0.0",
            loader="toy",
            files={"model.pkl": pickle.dumps(1.5)},
            golden=GOLDEN,
            data={"rows": 3},
            metrics={"auc": 0.75},
            parameters={"seed": 42},
        )
    return folder / "model"


@pytest.fixture
def model(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the sealed model."""
    return Path(shutil.copytree(sealed, tmp_path / "model"))


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that exists once the loader was called, and so before anything was unpickled."""
    path = tmp_path / "loader-was-called"
    monkeypatch.setenv("LOAD_MARKER", str(path))
    return path


@pytest.fixture
def same_site(tmp_path: Path) -> Iterator[Site]:
    site = toy_site(tmp_path / "same")
    with on_path(site):
        yield site
