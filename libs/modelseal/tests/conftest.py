import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import Bucket
from hypothesis import settings
from model_folders import PIECE, PublishedModel, write_model
from modelseal import GoldenSet, Tolerance, seal
from modelseal.delivery import bucket_folder
from site_packages import SitePackages, on_path, toy_site_packages

pytest_plugins = ["bucket_fixtures"]

GOLDEN = GoldenSet(
    inputs=(0.5, 1.0, 2.0),
    outputs={"score": (1.5, 3.0, 6.0), "label": ("low", "high", "high")},
    tolerances={"score": Tolerance(absolute=1e-9), "label": Tolerance()},
)

# The time of an example depends more on the machine than on the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture
def bucket(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A working bucket of each kind, read in small chunks, so that a small file has several."""
    monkeypatch.setattr(bucket_folder, "CHUNK_BYTES", PIECE)
    return bucket


@pytest.fixture
def published(bucket: Bucket, tmp_path: Path) -> PublishedModel:
    """A model in the bucket, in its own folder."""
    model = write_model(tmp_path / "trained")
    model.put_into(bucket)
    bucket.asked.clear()
    return model


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was sealed with guardedlib 1.2.3. Tests must not change it."""
    folder = tmp_path_factory.mktemp("sealed")
    with on_path(toy_site_packages(folder / "writer")):
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
    """A file that the loader creates before it unpickles anything."""
    path = tmp_path / "loader-was-called"
    monkeypatch.setenv("LOAD_MARKER", str(path))
    return path


@pytest.fixture
def same_packages(tmp_path: Path) -> Iterator[SitePackages]:
    site = toy_site_packages(tmp_path / "same")
    with on_path(site):
        yield site
