from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import settings
from pinproof.check import check

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
