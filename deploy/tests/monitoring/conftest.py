import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import needed
import pytest
import yaml
from local.running import Local
from state import known
from workflows.reading import ROOT, SERVICES

MONITORING = Path(__file__).resolve().parents[2] / "monitoring"
PATIENCE_S = 90


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Finds promtool, amtool or prometheus."""
    return needed.program


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules in the format of Prometheus, from those for its operator, with their tests."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules").mkdir()
    for file in (MONITORING / "rules").glob("*.yaml"):
        if file.name != "kustomization.yaml":
            spec = yaml.safe_load(file.read_bytes())["spec"]
            text = yaml.safe_dump(spec)
            (folder / "rules" / file.name).write_text(text, encoding="utf-8")
    shutil.copytree(MONITORING / "tests", folder / "tests")
    assert any((folder / "rules").iterdir())
    return folder


@pytest.fixture(scope="session")
def services(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where each service answers, with a proven model, by its package."""
    local = Local(tmp_path_factory.mktemp("monitored") / "state")
    try:
        started = local("up", *(prepared / name for name in SERVICES))
        assert started.returncode == 0, started.stdout + started.stderr
        running = known(local.state)
        yield {SERVICES[name].package: one.url for name, one in running.items()}
    finally:
        assert local("down").returncode == 0


@pytest.fixture(scope="session")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service answers that has no model, but a log and a shadow: its metrics show all."""
    name, service = min(SERVICES.items())
    python = ROOT / name / ".venv/bin/python"
    command = [str(python), "-m", service.package]
    folder = tmp_path_factory.mktemp("refusing")
    settings = {
        "MODEL_DIR": "none",
        "PREDICTION_LOG": str(folder / "predictions"),
        "SHADOW_MODEL_DIR": "none",
    }
    with served(command, folder, settings) as url:
        metric = "model_refusals_total{"
        wait_until(lambda: metric in httpx2.get(f"{url}/metrics").text, "it refuses its model")
        yield url


@contextlib.contextmanager
def served(command: list[str], folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """A service on a free port, until the context ends."""
    with (folder / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, "serve"],
            cwd=folder,
            env=os.environ | {"PORT": "0", "DRAIN_S": "0"} | settings,
            stdout=log,
            stderr=log,
        )
    try:
        found: list[str] = []

        def listens() -> bool:
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
            found.extend(
                f"http://127.0.0.1:{json.loads(line)['port']}"
                for line in (folder / "log").read_text(encoding="utf-8").splitlines()
                if '"event":"listening"' in line.replace(" ", "")
            )
            return bool(found)

        wait_until(listens, "it listens")
        yield found[0]
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; generously, because the machine may be busy."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, f"waited {PATIENCE_S} s in vain until {what}"
        time.sleep(0.1)
