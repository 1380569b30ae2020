"""`make up` and `make smoke` with every service of the repository, as it is.

Models are trained on small samples, in folders of the test's own.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx2
import pytest

from local.conftest import ROOT, Local

SMOKE = ROOT / "deploy/release/smoke.py"
KEY = "0123456789abcdef" * 4
SCRIPTS = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.glob("*/demo.toml"))
}
# Where the default is a training of minutes.
SMALLER = {
    "bankchurn": [
        ["generate", "sample.csv", "--rows", "1500"],
        ["train", "--data", "sample.csv", "--folds", "2"],
    ]
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each service, with a model, and a demonstration that takes a free port."""
    root = tmp_path_factory.mktemp("services")
    return {name: _made(root / name) for name in SCRIPTS}


def _made(folder: Path) -> Path:
    original, script = ROOT / folder.name, SCRIPTS[folder.name]
    python = original / ".venv/bin/python"
    assert python.exists(), f"make {folder.name}/.venv/.installed first, as make test-deploy does"
    folder.mkdir()
    (folder / ".venv").symlink_to(original / ".venv")
    text = (original / "demo.toml").read_text(encoding="utf-8")
    (folder / "demo.toml").write_text(with_settings(text, 'PORT = "0"'), encoding="utf-8")
    package = script["package"]
    for arguments in SMALLER.get(package, [["train", *script.get("train", [])]]):
        subprocess.run([python, "-m", package, *arguments], cwd=folder, check=True)
    return folder


def with_settings(text: str, lines: str) -> str:
    """A demo.toml with more settings than it has."""
    if "\nsettings = { " in text:
        return text.replace("\nsettings = { ", f"\nsettings = {{ {lines}, ")
    return f"settings = {{ {lines} }}\n{text}"


def smoke(local: Local, key: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SMOKE, "--up", local.state],
        env=os.environ | {"SMOKE_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_service_answers_its_demonstration_with_its_key(
    local: Local, services: dict[str, Path]
) -> None:
    started = local("up", *services.values(), API_KEYS=KEY)
    assert started.returncode == 0, started.stderr

    done = smoke(local, KEY)

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(
        f"{script['package']}: ready, answers {len(script['requests'])} requests as expected"
        for script in SCRIPTS.values()
    )
    without = smoke(local)
    assert without.returncode == 0
    assert without.stdout.count("demands a key") == len(SCRIPTS)
    wrong = smoke(local, KEY[::-1])
    assert wrong.returncode == 1
    assert wrong.stdout.count("401, expected 200") == sum(
        request.get("status", 200) == 200
        for script in SCRIPTS.values()
        for request in script["requests"]
    )


def test_every_service_answers_its_demonstration_where_none_demands_a_key(
    local: Local, services: dict[str, Path]
) -> None:
    started = local("up", *services.values())
    assert started.returncode == 0, started.stderr
    for name, path in services.items():
        url = next(line.split()[1] for line in started.stdout.splitlines() if name in line)
        page = httpx2.get(url)
        assert page.status_code == 200, path
        assert page.headers["content-type"].startswith("text/html")
        assert httpx2.get(f"{url}/docs").status_code == 200

    done = smoke(local)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("requests as expected") == len(SCRIPTS)


def test_one_service_that_answers_wrong_fails_and_its_request_is_named(
    local: Local, services: dict[str, Path], tmp_path: Path
) -> None:
    # A real service that is set up wrong: it takes no batch of two.
    wrong = tmp_path / "BankChurn-Predictor"
    shutil.copytree(services["BankChurn-Predictor"], wrong, symlinks=True)
    text = (wrong / "demo.toml").read_text(encoding="utf-8")
    (wrong / "demo.toml").write_text(
        text.replace('PORT = "0"', 'PORT = "0", MAX_BATCH_ROWS = "1"'), encoding="utf-8"
    )
    both = [wrong, services["NLPInsight-Analyzer"]]
    started = local("up", *both, API_KEYS=KEY)
    assert started.returncode == 0, started.stderr

    done = smoke(local, KEY)

    assert done.returncode == 1
    [told] = [line for line in done.stdout.splitlines() if line.startswith("bankchurn: ")]
    assert told.startswith(
        "bankchurn: POST /predict_batch (A batch, one with unknown tenure): 422, expected 200: "
    )
    assert "nlpinsight: ready, answers" in done.stdout


def test_where_nothing_was_started_there_is_nothing_to_ask(local: Local) -> None:
    done = smoke(local)

    assert done.returncode == 2
    assert "make up first" in done.stderr


@pytest.mark.parametrize(
    ("given", "asked"), [("", "--up .cache/up"), ("DIGESTS=file", '--release "$DIGESTS"')]
)
def test_make_asks_what_runs_here_unless_a_release_file_is_named(given: str, asked: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DIGESTS"}
    told = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "smoke", *given.split()],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert f"deploy/release/smoke.py {asked}" in told
