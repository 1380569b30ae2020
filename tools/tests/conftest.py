"""Copies of this repository, for commands that change a whole repository."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from copies import ROOT, Repository


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this repository that git would commit."""
    folder = tmp_path_factory.mktemp("original") / "a repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        # Files that are deleted in the working tree are still listed.
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit()
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Callable[[], Repository]:
    """Makes copies of this repository, each with the same first commit."""

    def make() -> Repository:
        folder = tmp_path / f"a copy {len(list(tmp_path.iterdir()))}"
        subprocess.run(["git", "clone", "--quiet", original, folder], check=True)
        # The programs that make installs; git ignores them.
        (folder / ".tools").mkdir()
        for name in ("check", "template"):
            (folder / ".tools" / name).symlink_to(ROOT / ".tools" / name)
        return Repository(folder)

    return make
