from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import settings
from pinproof.check import check
from pinproof.closure.sync import sync
from sample_service import PINS, UV, SampleRepository, sample_wheels

Files = Mapping[str, str | bytes]
TODAY = date(2026, 11, 22)

# How long an example takes says more about the machine than about the code.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Files], Path]:
    """Write files below a fresh folder, and give that folder."""
    root = tmp_path / "repository"
    root.mkdir()

    def write_files(files: Files) -> Path:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return write_files


@pytest.fixture
def violations(write: Callable[[Files], Path]) -> Callable[[Files], list[str]]:
    """Check files, and give each violation as `file:line: CODE message`."""

    def check_files(files: Files) -> list[str]:
        report = check(write(files), today=TODAY)
        return [f"{v.path}:{v.line}: {v.code} {v.message}" for v in report.violations]

    return check_files


@pytest.fixture(scope="session")
def wheels_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_wheels(tmp_path_factory.mktemp("sample_service") / "wheels")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What today's pins lead to is made once for all tests."""
    return tmp_path_factory.mktemp("proofs")


@pytest.fixture(scope="session")
def synced(wheels_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What today's pins lead to, found once for all tests."""
    made = SampleRepository(tmp_path_factory.mktemp("synced"), wheels_path).write(*PINS)
    with pytest.MonkeyPatch.context() as patch:
        for name, text in made.variables.items():
            patch.setenv(name, text)
        sync(made.root, UV)
    return made.texts()


@pytest.fixture
def world(
    tmp_path: Path, wheels_path: Path, synced: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> SampleRepository:
    made = SampleRepository(tmp_path, wheels_path).write(*PINS)
    for name, text in made.variables.items():
        monkeypatch.setenv(name, text)
    for name, content in synced.items():
        (made.root / name).write_text(content)
    return made
