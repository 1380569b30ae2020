"""Commands with paths that cannot be used: a message and exit status 2."""

from pathlib import Path

import pytest
from pinproof.cli import app
from typer.testing import CliRunner

PATHS = {
    "of a name over 255 bytes": "x" * 256,
    "over 4,096 bytes": "/".join(["d" * 100] * 42),
    "of a link to itself": "loop",
    "below a file": "file/inside",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize("command", ["check", "verify", "outdated", "audit", "sync"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_that_cannot_be_used_ends_with_2_and_changes_nothing(
    folder: Path, command: str, path: str
) -> None:
    before = set(folder.rglob("*"))

    done = CliRunner().invoke(app, [command, path])

    assert done.exit_code == 2, (done.exit_code, done.output, done.exception)
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("pinproof: ")
    assert set(folder.rglob("*")) == before
