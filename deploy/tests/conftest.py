"""Environment shared by all tests of the deployment."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from local.running import Local
from real_services import prepare
from workflows.recorded import Programs, lay


@pytest.fixture(autouse=True, scope="session")
def outside_of_make() -> Iterator[None]:
    """Remove the variables of make, so that a make in a test is not a sub-make.

    A sub-make inherits the options of the make that runs the tests, and prints the folders that it
    enters and leaves.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def kubectl() -> str:
    found = shutil.which(os.environ.get("KUBECTL", "kubectl"))
    if found is None:
        assert "CI" not in os.environ, "continuous integration needs kubectl"
        pytest.skip("kubectl, which builds the manifests, is not installed")
    return found


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    found = Local(tmp_path / "state")
    yield found
    assert found("down").returncode == 0


@pytest.fixture(scope="session")
def recorded_kind(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return lay(tmp_path_factory.mktemp("kind") / "programs", "kind")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, recorded_kind: Programs) -> Path:
    """A tree with the real services, after `e2e.py prepare`; only kind is a recorded program."""
    root = tmp_path_factory.mktemp("prepared") / "tree"
    prepare(root, recorded_kind)
    return root
