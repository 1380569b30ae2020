from pathlib import Path

import pytest
from pinproof.closure.sync import sync
from toys import PINS, UV, ToyWorld, toy_wheels


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_wheels(tmp_path_factory.mktemp("toys") / "wheels")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What today's pins lead to is made once for all tests."""
    return tmp_path_factory.mktemp("proofs")


@pytest.fixture
def world(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> ToyWorld:
    made = ToyWorld(tmp_path, wheels).write(*PINS)
    for name, text in made.variables.items():
        monkeypatch.setenv(name, text)
    sync(made.root, UV)
    return made
