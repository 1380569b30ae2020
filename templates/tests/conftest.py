import shutil
import subprocess
from pathlib import Path

import pytest
from copied import Repository

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository(unchanged: Repository, tmp_path: Path) -> Repository:
    """A copy of this repository as it is now, with everything committed."""
    shutil.copytree(unchanged.root, tmp_path / "repository", symlinks=True)
    return Repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A copy like `repository` for tests that change nothing."""
    root = tmp_path_factory.mktemp("unchanged")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    # Times are copied, too, so that make finds these environments up to date.
    (root / ".tools").mkdir()
    shutil.copy2(ROOT / ".tools/python", root / ".tools/python")
    for tool in ("check", "template", "uv"):
        (root / ".tools" / tool).symlink_to(ROOT / ".tools" / tool)
    copy = Repository(root)
    copy.git("init", "--quiet")
    copy.commit()
    return copy
