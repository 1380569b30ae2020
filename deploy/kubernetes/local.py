"""The services on this machine, without Kubernetes: ``make up`` and ``make down``.

Each runs from its own environment, in the background, at its own port, with its log and its process
id in ``.cache/up``. What is stopped is what was started: a process that has got the same id since
is left alone. Needs nothing but Python, as everything that a fresh machine starts with.
"""

import argparse
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cache" / "up"
READY_TIMEOUT_S = 90
STOP_TIMEOUT_S = 30
OK = 200


@dataclass(frozen=True)
class Running:
    """A process that was started.

    Attributes:
        pid: Its id.
        started: When it started, as `ps` tells it: with the id, the name of one process.
    """

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether it still runs."""
        return _started(self.pid) == self.started


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="folder of logs and process ids")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start services")
    starting.add_argument("services", nargs="+", type=Path, help="their folders")
    commands.add_parser("down", help="stop what was started")
    options = parser.parse_args()
    if options.command == "down":
        down(options.state)
    else:
        up([ROOT / service for service in options.services], options.state)


def up(services: list[Path], state: Path) -> None:
    """Start services and wait until they are ready; stop them all if one is not."""
    state.mkdir(parents=True, exist_ok=True)
    running = {name for name, one in _known(state) if one.alive()}
    if already := sorted(running & {service.name for service in services}):
        sys.exit(f"{', '.join(already)}: running already; make down stops what runs")
    for service in services:
        _prepare(service, state)
    started = [(service, _start(service, state)) for service in services]
    for service, one in started:
        log = state / f"{service.name}.log"
        url = _wait_until_ready(one, log)
        if url is None:
            last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-10:])
            down(state)
            sys.exit(f"{service.name} was not ready within {READY_TIMEOUT_S} s; its log:\n{last}")
        _say(f"{service.name}: {url}/docs (process {one.pid}, log {os.path.relpath(log)})")


def down(state: Path) -> None:
    """Stop everything that was started and still runs."""
    for name, one in list(_known(state)):
        if one.alive():
            os.kill(one.pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while one.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
            if one.alive():
                os.kill(one.pid, signal.SIGKILL)
                _say(f"{name}: ended by force after {STOP_TIMEOUT_S} s")
            else:
                _say(f"{name}: stopped")
        (state / f"{name}.json").unlink()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _script(service: Path) -> dict[str, Any]:
    """What `make demo` does with the service: how it is trained, and what it needs besides."""
    return tomllib.loads((service / "demo.toml").read_text(encoding="utf-8"))


def _filled(text: str, package: str) -> str:
    return text.format_map({"model": f"models/{package}", "work": "data"})


def _prepare(service: Path, state: Path) -> None:
    """Train on sample data what has no model yet; make what a service serves beside its model."""
    script = _script(service)
    package = script["package"]
    command = [str(service / ".venv" / "bin" / "python"), "-m", package]
    manifest = service / "models" / package / "manifest.json"
    if not manifest.is_file():
        _say(f"{service.name}: no model yet, training one on sample data")
        train = [*command, "train", *script.get("train", [])]
        subprocess.run(train, cwd=service, check=True)  # noqa: S603 - the service's own command
    # Once for each model: predictions are served by the model that made them.
    made, digest = state / f"{service.name}.made", _digest(manifest)
    if not made.is_file() or made.read_text(encoding="utf-8") != digest:
        for arguments in script.get("prepare", []):
            filled = [_filled(argument, package) for argument in arguments]
            subprocess.run([*command, *filled], cwd=service, check=True)  # noqa: S603
        made.write_text(digest, encoding="utf-8")


def _digest(manifest: Path) -> str:
    return hashlib.sha256(manifest.read_bytes()).hexdigest()


def _start(service: Path, state: Path) -> Running:
    script = _script(service)
    package = script["package"]
    own = {name: _filled(value, package) for name, value in script.get("settings", {}).items()}
    manifest = service / "models" / package / "manifest.json"
    settings = own | {"MODEL_SHA256": _digest(manifest), "DRAIN_S": "0"}
    with (state / f"{service.name}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - the service's own command
            [service / ".venv" / "bin" / "python", "-m", package, "serve"],
            cwd=service,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # an interrupted make leaves it alone
        )
    one = Running(process.pid, _started(process.pid))
    (state / f"{service.name}.json").write_text(json.dumps(asdict(one)), encoding="utf-8")
    return one


def _known(state: Path) -> Iterator[tuple[str, Running]]:
    for file in sorted(state.glob("*.json")):
        yield file.stem, Running(**json.loads(file.read_text(encoding="utf-8")))


def _started(pid: int) -> str:
    """When a process started; empty if there is none, or if it has ended and nobody asked."""
    asking = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    told = subprocess.run(asking, capture_output=True, text=True, check=False).stdout  # noqa: S603
    state, _, started = told.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _wait_until_ready(one: Running, log: Path) -> str | None:
    """Where it answers, or None if it ended or took too long."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and one.alive():
        if (url := _url(log)) is not None:
            with (
                contextlib.suppress(urllib.error.URLError, ConnectionError),
                urllib.request.urlopen(f"{url}/ready", timeout=5) as answer,  # noqa: S310
            ):
                if answer.status == OK:
                    return url
        time.sleep(0.2)
    return None


def _url(log: Path) -> str | None:
    """Where the service listens, as its log says."""
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("event") == "listening":
                return f"http://127.0.0.1:{entry['port']}"
    return None


if __name__ == "__main__":
    main()
