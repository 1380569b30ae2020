"""Folders with the real services, their models trained on small samples."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from workflows.recorded import Programs

__all__ = ["ROOT", "SCRIPTS", "prepare"]

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS: dict[str, dict[str, Any]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.glob("*/service.toml"))
}
# Where the default is a training of minutes: a small sample, and how to train on it.
SMALLER = {
    "bankchurn": {
        "sample": ["generate", "sample.csv", "--rows", "1500"],
        "train": ["--data", "sample.csv", "--folds", "2"],
    }
}


def _lay_out(folder: Path) -> None:
    """Make the folder of a service: its environment, and a service.toml that takes a free port."""
    original, package = ROOT / folder.name, SCRIPTS[folder.name]["package"]
    python = str(original / ".venv/bin/python")
    assert Path(python).exists(), (
        f"make {folder.name}/.venv/.installed first, as make test-deploy does"
    )
    folder.mkdir(parents=True)
    (folder / ".venv").symlink_to(original / ".venv")
    text = (original / "service.toml").read_text(encoding="utf-8")
    text = _with_settings(text, 'PORT = "0"')
    if package in SMALLER:
        smaller = SMALLER[package]
        subprocess.run([python, "-m", package, *smaller["sample"]], cwd=folder, check=True)
        text = text.replace("\n[demo]\n", f"\n[demo]\ntrain = {smaller['train']}\n")
    (folder / "service.toml").write_text(text, encoding="utf-8")


def prepare(root: Path, programs: Programs) -> None:
    """Run `e2e.py prepare` in a tree of the real services; its models are for `make up`, too."""
    for name in ("deploy/e2e/e2e.py", "deploy/release/smoke.py"):
        (root / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, root / name)
    for name in SCRIPTS:
        _lay_out(root / name)
    command = [sys.executable, str(root / "deploy/e2e/e2e.py"), "prepare"]
    subprocess.run(command, env=programs.environment(), check=True)
    for name, script in SCRIPTS.items():
        model = root / "reports/e2e/models" / script["package"]
        (root / name / "models").mkdir()
        (root / name / "models" / script["package"]).symlink_to(model)


def _with_settings(text: str, lines: str) -> str:
    """A service.toml with more settings than it has."""
    if "\nsettings = { " in text:
        return text.replace("\nsettings = { ", f"\nsettings = {{ {lines}, ")
    return text.replace("\n[demo]\n", f"\n[demo]\nsettings = {{ {lines} }}\n")
