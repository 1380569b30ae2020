import importlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import example_service
import pytest
import structlog
from example_service import make_app
from modelseal import GoldenSet, Tolerance, open_sealed, seal
from servicekit import ServiceSettings
from servicekit.runtime import ModelOpener
from servicekit.testing import LiveService
from starlette.testclient import TestClient

MODULE = """\
import json


class Tiny:
    def __init__(self, slope):
        self.slope = slope

    def replay(self, inputs):
        return {"y": [self.slope * row["x"] for row in inputs]}


def load(files):
    return Tiny(json.loads(files["tiny.json"])["slope"])
"""


@pytest.fixture(scope="session")
def tiny_distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installed distribution that registers a loader, for this process and its children."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "tinymodel.py").write_text(MODULE)
    metadata = folder / "tinymodel-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0.0\n")
    (metadata / "RECORD").write_text("tinymodel.py,,\n")
    (metadata / "entry_points.txt").write_text("[modelseal.loaders]\ntiny = tinymodel:load\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))
        importlib.invalidate_caches()
        yield folder


@pytest.fixture(scope="session")
def sealed_model(tiny_distribution: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed model: y = 2 x."""
    assert tiny_distribution.is_dir()
    folder = tmp_path_factory.mktemp("models") / "tiny"
    seal(
        folder,
        name="tiny",
        version="7",
        loader="tiny",
        files={"tiny.json": json.dumps({"slope": 2.0}).encode()},
        golden=GoldenSet(
            inputs=({"x": 1.0}, {"x": -3.0}),
            outputs={"y": (2.0, -6.0)},
            tolerances={"y": Tolerance(absolute=1e-9)},
        ),
        data={"rows": 2},
        metrics={"error": 0.0},
        parameters={"slope": 2.0},
    )
    return folder


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    structlog.configure(
        processors=[
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=repr),
        ]
    )


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def start(sealed_model: Path) -> Iterator[Callable[..., TestClient]]:
    """Starts the example service in this process: `start(max_batch_rows=2)`."""
    clients: list[TestClient] = []

    def start(*, open_model: ModelOpener = open_sealed, **settings: object) -> TestClient:
        values = {"app_env": "test", "model_dir": sealed_model, **settings}
        app = make_app(ServiceSettings.model_validate(values), open_model=open_model)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def live_environment(sealed_model: Path) -> dict[str, str]:
    """The environment variables that a live service needs."""
    return {"PYTHONPATH": os.environ["PYTHONPATH"], "MODEL_DIR": str(sealed_model)}


@pytest.fixture
def live(live_environment: dict[str, str]) -> Callable[..., LiveService]:
    """Makes a live service: `with live(drain_s=1) as service: ...`."""

    def make(**settings: object) -> LiveService:
        return LiveService([example_service.__file__], live_environment, settings)

    return make
