"""`make up` and `make down` with small real processes in the place of services."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from processes import start_time

from local.conftest import Make
from local.running import ROOT, Local


def url_of(text: str, name: str = "Some-Service") -> str:
    found = re.search(rf"^{name} +(http://\S+) ", text, re.MULTILINE)
    assert found, text
    return found[1]


def record(local: Local, name: str = "Some-Service") -> dict[str, object]:
    found: dict[str, object] = json.loads((local.state / f"{name}.json").read_text("utf-8"))
    return found


def lives(pid: object) -> bool:
    """Whether a process runs; one that has ended, and that nobody asks for its status, does not."""
    assert isinstance(pid, int)
    return start_time(pid) != ""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_started_answers_and_is_stopped(local: Local, make_service: Make) -> None:
    started = local("up", make_service())
    assert started.returncode == 0, started.stderr
    url = url_of(started.stdout)
    assert httpx2.get(f"{url}/ready").status_code == 200
    assert "Open an address in a browser" in started.stdout

    stopped = local("down")

    assert stopped.stdout == "Some-Service: stopped\n"
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{url}/ready")
    assert local("down").stdout == ""


def test_a_wrong_service_file_is_reported_with_the_field(local: Local, make_service: Make) -> None:
    service = make_service()
    file = service / "service.toml"
    file.write_text(file.read_text("utf-8").replace("port", "prot"), encoding="utf-8")

    done = local("up", service)

    assert done.returncode == 1
    assert done.stderr == f"{file}: port is missing; add it\n"


def test_programs_of_slim_images_are_enough(local: Local, make_service: Make) -> None:
    """Such as no `ps`: nothing is found on the path at all."""
    service = make_service()
    started = local("up", service, PATH="/nonexistent")
    assert started.returncode == 0, started.stderr
    assert local("down", PATH="/nonexistent").stdout == "Some-Service: stopped\n"


def test_what_is_dead_is_started_and_what_runs_is_left(local: Local, make_service: Make) -> None:
    services = [make_service("One"), make_service("Two")]
    assert local("up", *services).returncode == 0
    one, two = record(local, "One"), record(local, "Two")
    assert isinstance(two["pid"], int)
    os.kill(two["pid"], signal.SIGKILL)

    again = local("up", *services)

    assert again.returncode == 0, again.stderr
    assert record(local, "One") == one
    assert record(local, "Two")["pid"] != two["pid"]
    assert len(re.findall("running already", again.stdout)) == 1
    assert httpx2.get(url_of(again.stdout, "Two")).status_code == 200


def test_the_log_of_a_service_that_ends_is_shown_and_the_others_keep_running(
    local: Local, make_service: Make
) -> None:
    done = local("up", make_service("Broken", READY="broken"), make_service("Well"))

    assert done.returncode == 1
    assert "Broken is not ready: it ended" in done.stderr
    assert "broken settings" in done.stderr
    assert [path.name for path in local.state.glob("*.json")] == ["Well.json"]
    assert httpx2.get(url_of(done.stdout, "Well")).status_code == 200


def test_a_refused_model_is_reported_at_once_and_its_service_is_stopped(
    local: Local, make_service: Make
) -> None:
    done = subprocess.run(
        local.command("up", make_service(READY="refused")),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,  # less than what it would wait for one that only loads
    )

    assert done.returncode == 1
    assert done.stderr == "Some-Service is not ready: the golden predictions moved\n"
    assert not list(local.state.glob("*.json"))


def test_what_holds_a_port_is_named(local: Local, make_service: Make) -> None:
    holds = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); "
    holds += "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = other.stdout.readline().strip()
        done = local("up", make_service(PORT=port))
        other.communicate("")

    assert done.returncode == 1
    assert f"port {port} is held by process {other.pid} ({sys.executable} -c import" in done.stderr


@pytest.mark.parametrize("name", ["PORT", "MODEL_DIR", "MODEL_SHA256"])
def test_what_is_exported_for_one_service_is_nobodys(
    name: str, local: Local, make_service: Make
) -> None:
    service = make_service()
    with socket.create_server(("127.0.0.1", 0)) as held:
        done = local("up", service, **{name: str(held.getsockname()[1])})

    assert done.returncode == 0, done.stderr
    environment = Path(f"/proc/{record(local)['pid']}/environ").read_text("utf-8").split("\0")
    given = dict(line.partition("=")[::2] for line in environment if line)
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of {}
    own = {"MODEL_DIR": "models/some", "MODEL_SHA256": digest}
    assert given.get(name) == own.get(name)


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let children be interrupted: what a shell starts in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing_of_its_own_and_stops_nothing_else(
    how: signal.Signals, local: Local, make_service: Make
) -> None:
    before, loading = make_service("Before"), make_service("Loading", READY="loading")
    assert local("up", before).returncode == 0
    with subprocess.Popen(
        local.command("up", before, loading),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        wait_until((local.state / "Loading.json").exists)
        pid = record(local, "Loading")["pid"]
        up.send_signal(how)
        _, errors = up.communicate(timeout=60)

    assert up.returncode == 128 + how
    assert "Traceback" not in errors
    assert not lives(pid)
    assert [path.name for path in local.state.glob("*.json")] == ["Before.json"]
    assert lives(record(local, "Before")["pid"])


def test_what_a_killed_start_left_is_known_and_stopped(local: Local, make_service: Make) -> None:
    service = make_service(READY="loading")
    with subprocess.Popen(local.command("up", service), stdout=subprocess.DEVNULL) as up:
        wait_until((local.state / "Some-Service.json").exists)
        up.kill()
    pid = record(local)["pid"]
    assert lives(pid)

    assert local("down").stdout == "Some-Service: stopped\n"
    assert not lives(pid)


def test_two_do_not_start_the_same_services(local: Local, make_service: Make) -> None:
    service = make_service(READY="loading")
    with subprocess.Popen(local.command("up", service), stdout=subprocess.DEVNULL) as up:
        wait_until((local.state / "Some-Service.json").exists)
        second = local("up", service)
        up.send_signal(signal.SIGTERM)

    assert second.returncode == 1
    assert "Another make up or make down is running" in second.stderr


def test_a_process_that_got_the_same_number_is_left_alone(local: Local, make_service: Make) -> None:
    assert local("up", make_service()).returncode == 0
    mine = record(local)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        try:
            file = local.state / "Other.json"
            file.write_text(json.dumps(mine | {"pid": other.pid}), encoding="utf-8")
            assert local("down").stdout == "Some-Service: stopped\n"
            assert other.poll() is None
        finally:
            other.send_signal(signal.SIGKILL)


def test_a_record_of_another_version_is_an_error(local: Local) -> None:
    local.state.mkdir()
    file = local.state / "Old.json"
    file.write_text('{"pid": 1, "started": "Thu"}', encoding="utf-8")

    done = local("down")
    file.unlink()

    assert done.returncode == 1
    assert f"{file} is not a valid record of make up" in done.stderr


def test_cleaning_stops_the_services_before_it_removes_what_they_run_from() -> None:
    output = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "clean"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    [stopped] = [i for i, line in enumerate(output) if line.endswith("services.py down")]
    [removed] = [i for i, line in enumerate(output) if line.startswith("rm -rf .tools")]
    assert stopped < removed
