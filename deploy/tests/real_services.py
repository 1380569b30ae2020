"""Folders with the real services, their models trained on small samples."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from service_files import Service
from workflows.reading import ROOT, SERVICES
from workflows.recorded import Programs

__all__ = ["prepare"]


def _lay_out(folder: Path, model: Path) -> None:
    """Make the folder of a service: its environment, a small sample, and a service.toml.

    The service.toml trains on the sample, as `make prove-pins` does, and takes a free port.
    """
    service = SERVICES[folder.name]
    python = service.folder / ".venv/bin/python"
    assert python.exists(), f"make {folder.name}/.venv/.installed first, as make test-deploy does"
    folder.mkdir(parents=True)
    (folder / ".venv").symlink_to(service.folder / ".venv")
    places = {"data": str(folder), "work": str(folder), "model": str(model)}
    *prepare, train = [
        [argument.format_map(places) for argument in command]
        for command in (*service.proof.get("prepare", []), *service.proof["train"])
    ]
    for command in prepare:
        subprocess.run([python, *command], cwd=folder, check=True)
    [module, package, name, *arguments] = train
    assert [module, package, name] == ["-m", service.package, "train"]
    _write(folder, service, arguments)


def _write(folder: Path, service: Service, train: list[str]) -> None:
    """Write the service.toml of a service with another training and one more setting."""
    text = (service.folder / "service.toml").read_text(encoding="utf-8")
    before, demo, after = text.partition("\n[demo]\n")
    assert demo
    lines = after.splitlines(keepends=True)
    own = [line for line in lines if line.startswith("settings = {")]
    settings = own[0].partition("{")[2] if own else "}\n"
    changed = [line for line in lines if not line.startswith(('train = ["', "settings = {"))]
    comma = "" if settings.strip() == "}" else ","
    head = f'train = {json.dumps(train)}\nsettings = {{ PORT = "0"{comma} {settings}'
    (folder / "service.toml").write_text(before + demo + head + "".join(changed), encoding="utf-8")


def prepare(root: Path, programs: Programs) -> None:
    """Run `e2e.py prepare` in a tree of the real services; its models are for `make up`, too."""
    for name in ("deploy/e2e/e2e.py", "deploy/release/smoke.py", "tools/service_files.py"):
        (root / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, root / name)
    models = root / "reports/e2e/models"
    for name, service in SERVICES.items():
        _lay_out(root / name, models / service.package)
    command = [sys.executable, str(root / "deploy/e2e/e2e.py"), "prepare"]
    subprocess.run(command, env=programs.environment(), check=True)
    for name, service in SERVICES.items():
        (root / name / "models").mkdir()
        (root / name / "models" / service.package).symlink_to(models / service.package)
