import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from needed import program

from images.containers import podman, selected
from images.services import SERVICES, Model, Service, make_model, readable, sha256


@pytest.fixture(scope="session", params=SERVICES, ids=lambda service: service.package)
def service(request: pytest.FixtureRequest) -> Service:
    """Each service whose image was built."""
    found: Service = request.param
    program("podman")
    if found.folder not in selected():
        pytest.skip("make test-images did not build this image")
    assert podman("image", "exists", found.image, check=False).returncode == 0, found.image
    return found


@pytest.fixture(scope="session")
def trained(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A sealed model of the service, which nobody changes."""
    return make_model(service, tmp_path_factory.mktemp(service.package))


@pytest.fixture
def changed(trained: Model, tmp_path: Path) -> Callable[[Callable[[Path], None]], Model]:
    """A copy of the model with a change, and the digest that its manifest has then."""

    def copy(change: Callable[[Path], None] = lambda _folder: None) -> Model:
        folder = tmp_path / "models" / "current"
        shutil.copytree(trained.folder, folder)
        change(folder)
        readable(tmp_path)
        return Model(folder, sha256(folder), trained.data)

    return copy


@pytest.fixture
def model(changed: Callable[[], Model]) -> Model:
    """A copy of the model."""
    return changed()


def reseal(model: Path, document: dict[str, object]) -> None:
    """Write a manifest that says something else, with a seal that fits."""
    text = json.dumps(document | {"seal": "0" * 64})
    seal = hashlib.sha256(text.encode()).hexdigest()
    (model / "manifest.json").write_text(text.replace("0" * 64, seal, 1))
