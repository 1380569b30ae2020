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

MONITORING = Path(__file__).resolve().parents[2] / "monitoring"
REPOSITORY = MONITORING.parents[1]
PATIENCE_S = 90
OK = 200


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
def bankchurn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a real service with a proven model answers."""
    service = REPOSITORY / "BankChurn-Predictor"
    folder = tmp_path_factory.mktemp("bankchurn")
    command = [_python(service), "-m", "bankchurn"]
    for arguments in (
        ["generate", "sample.csv", "--rows", "1500"],
        ["train", "--data", "sample.csv", "--folds", "2", "--out", "model", "--reports", "report"],
    ):
        subprocess.run([*command, *arguments], cwd=folder, check=True, capture_output=True)
    with served(command, folder, {"MODEL_DIR": "model"}) as url:
        wait_until(lambda: httpx2.get(f"{url}/ready").status_code == OK, "BankChurn is ready")
        yield url


@pytest.fixture(scope="session")
def chicagotaxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where ChicagoTaxi answers, without a model or predictions: its metrics are there."""
    folder = tmp_path_factory.mktemp("chicagotaxi")
    command = [_python(REPOSITORY / "ChicagoTaxi-Pipeline"), "-m", "chicagotaxi"]
    with served(command, folder, {"MODEL_DIR": "none", "PREDICTIONS_DIR": "none"}) as url:
        metric = "predictions_created_timestamp_seconds"
        wait_until(lambda: metric in httpx2.get(f"{url}/metrics").text, "it has its metrics")
        yield url


def _python(service: Path) -> str:
    python = service / ".venv" / "bin" / "python"
    assert python.exists(), f"make {service.name}/.venv/.installed first, as make test-deploy does"
    return str(python)


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
