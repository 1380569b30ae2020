"""The README's example of a repository that proves its pins, from its own text."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pinproof.cli import app
from sample_service import UV, closure_of, repack
from typer.testing import CliRunner

PACKAGE = Path(__file__).parents[2]
MODELSEAL = PACKAGE.parent / "modelseal"
_FILE = re.compile(r"^`([\w./-]+)`[^\n]*\n\n```\w+\n(.*?)```", re.DOTALL | re.MULTILINE)


def example() -> dict[str, str]:
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n### Proofs in another repository\n")[2].partition("\n## ")[0]
    return dict(_FILE.findall(section))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, with this Python, and with wheels of what is installed here as its index."""
    root = tmp_path / "repository"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for name, text in example().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace('pythons = ["3.11"]', f'pythons = ["{python}"]'))
    shutil.copytree(
        MODELSEAL,
        root / "vendored/modelseal",
        ignore=shutil.ignore_patterns(".*", "tests", "*.egg-info", "__pycache__"),
    )
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    lines = (MODELSEAL / "requirements-prod.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines]
    needed = [pin.name for pin in pins if not pin.marker or pin.marker.evaluate()]
    for name in closure_of("setuptools", *needed):
        repack(wheels, name)
    for name, value in {
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_FIND_LINKS": str(wheels),
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return root


def test_the_worked_example_is_clean_and_proven(repository: Path) -> None:
    runner = CliRunner()

    synced = runner.invoke(app, ["sync", str(repository), "--uv", str(UV)])
    assert synced.exit_code == 0, synced.output
    checked = runner.invoke(app, ["check", str(repository)])
    report = str(repository.parent / "report")
    options = ["--root", str(repository), "--uv", str(UV), "--report", report]
    proven = runner.invoke(app, ["prove", "iris", *options])

    assert (checked.stdout, checked.exit_code) == ("", 0)
    assert proven.stdout.startswith("Proven. "), proven.output
    assert "accuracy 1.0000 -> 1.0000" in Path(report, "iris.md").read_text(encoding="utf-8")
