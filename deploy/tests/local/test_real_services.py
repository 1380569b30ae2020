"""`make up` and `make smoke` with every service of the repository, as it is.

Models are trained on small samples, in folders of the test's own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from workflows.reading import SERVICES

from local.running import ROOT, Local

# The first test trains the models, on a machine that may be busy.
pytestmark = pytest.mark.timeout(1200)

SMOKE = ROOT / "deploy/release/smoke.py"
KEY = "0123456789abcdef" * 4


@pytest.fixture
def services(prepared: Path) -> dict[str, Path]:
    """The folder of each service, with a model, and a demonstration that takes a free port."""
    return {name: prepared / name for name in SERVICES}


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
        f"{one.package}: ready, answers {len(one.demo['requests'])} requests as expected"
        for one in SERVICES.values()
    )
    without = smoke(local)
    assert without.returncode == 0
    assert without.stdout.count("demands a key") == len(SERVICES)
    wrong = smoke(local, KEY[::-1])
    assert wrong.returncode == 1
    assert wrong.stdout.count("401, expected 200") == sum(
        request.get("status", 200) == 200
        for one in SERVICES.values()
        for request in one.demo["requests"]
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
    assert done.stdout.count("requests as expected") == len(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_one_service_that_answers_wrong_fails_and_its_request_is_named(
    local: Local, services: dict[str, Path], tmp_path: Path, name: str
) -> None:
    # A real service that is set up wrong: it has another key.
    wrong = tmp_path / name
    shutil.copytree(services[name], wrong, symlinks=True)
    text = (wrong / "service.toml").read_text(encoding="utf-8")
    (wrong / "service.toml").write_text(
        text.replace('PORT = "0"', f'PORT = "0", API_KEYS = "{KEY[::-1]}"'), encoding="utf-8"
    )
    others = [folder for other, folder in services.items() if other != name]
    started = local("up", wrong, *others, API_KEYS=KEY)
    assert started.returncode == 0, started.stderr

    done = smoke(local, KEY)

    assert done.returncode == 1
    package = SERVICES[name].package
    output = [line for line in done.stdout.splitlines() if line.startswith(f"{package}: ")]
    requests = SERVICES[name].demo["requests"]
    for line, request in zip(output, requests, strict=True):
        asked = f"{request['method']} {request['path']} ({request['title']})"
        expected = request.get("status", 200)
        assert line.startswith(f"{package}: {asked}: 401, expected {expected}: ")
    for one in SERVICES.values():
        assert (f"{one.package}: ready, answers" in done.stdout) == (one.name != name)


def test_where_nothing_was_started_there_is_nothing_to_ask(local: Local) -> None:
    done = smoke(local)

    assert done.returncode == 2
    assert "make up first" in done.stderr


@pytest.mark.parametrize(
    ("given", "asked"), [("", "--up .cache/up"), ("DIGESTS=file", '--release "$DIGESTS"')]
)
def test_make_asks_what_runs_here_unless_a_release_file_is_named(given: str, asked: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DIGESTS"}
    output = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "smoke", *given.split()],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert f"deploy/release/smoke.py {asked}" in output
