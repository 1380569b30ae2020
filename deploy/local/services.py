"""The services on this machine, without Kubernetes: ``make up`` and ``make down``.

Each runs from its own environment, in the background, on its own port, with its log and its record
in ``.cache/up``. ``down`` stops what ``up`` started: a process that has got the same number since
is left alone. Needs nothing but Python.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, NoReturn

import state
from processes import start_time
from readiness import NotReadyError, wait_until_ready
from state import Running

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cache" / "up"
STOP_TIMEOUT_S = 30


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="folder of logs and records")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start the services that do not run")
    starting.add_argument("services", nargs="+", type=Path, help="their folders")
    commands.add_parser("down", help="stop what was started")
    becoming = commands.add_parser("become", help="record this process, then become a service")
    becoming.add_argument("service", type=Path, help="its folder")
    options = parser.parse_args()
    folder = options.state.absolute()
    if options.command == "become":
        become(options.service, folder)
    # As Ctrl-C does: what was begun is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with state.exclusive(folder):
        if options.command == "up":
            sys.exit(up([ROOT / service for service in options.services], folder))
        down(folder, state.known(folder))


def up(services: list[Path], folder: Path) -> int:
    """Start the services that do not run, and wait until each is ready or has said why it is not.

    What is not ready is stopped; the others go on.

    Returns:
        0 if all are ready, 1 otherwise, 130 after Ctrl-C, which stops what this call started.
    """
    names = {service.name for service in services}
    ready = {name: one for name, one in state.known(folder).items() if one.alive and name in names}
    begun: dict[str, Running] = {}
    problems: dict[str, str] = {}
    try:
        missing = [service for service in services if service.name not in ready]
        for service in missing:
            _prepare(service)
        for service in missing:
            begun[service.name] = _start(service, folder)
        # One that an interrupted call left behind runs, and is not known to be ready.
        for name, one in sorted((ready | begun).items()):
            try:
                ready[name] = wait_until_ready(name, one, folder)
            except NotReadyError as error:
                problems[name] = str(error)
                down(folder, {name: one})
                ready.pop(name, None)
    except BaseException as error:
        down(folder, begun)
        if isinstance(error, KeyboardInterrupt):
            _say("Interrupted: what this call started is stopped")
            return 128 + signal.SIGINT
        raise
    _show(ready, begun, folder)
    for name, problem in problems.items():
        sys.stderr.write(f"{name} is not ready: {problem}\n")
    return 1 if problems else 0


def down(folder: Path, services: dict[str, Running]) -> None:
    """Stop processes that were recorded and still run, all at once, and forget them."""
    alive = {name: one for name, one in services.items() if one.alive}
    for one in alive.values():
        os.kill(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for name, one in alive.items():
        while one.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        if one.alive:
            os.kill(one.pid, signal.SIGKILL)
            _say(f"{name}: ended by force after {STOP_TIMEOUT_S} s")
        else:
            _say(f"{name}: stopped")
    for name in services:
        (folder / f"{name}.json").unlink(missing_ok=True)


def become(service: Path, folder: Path) -> NoReturn:
    """Record this process as the service's, and run the service in it."""
    script = _script(service)
    package = script["package"]
    digest = _digest(service / "models" / package / "manifest.json")
    own = {name: _filled(value, package) for name, value in script.get("settings", {}).items()}
    # Each service has a port and a model of its own: exported ones are for none of them.
    kept = {name: value for name, value in os.environ.items() if name != "PORT"}
    settings = {"MODEL_DIR": f"models/{package}", "MODEL_SHA256": digest, "DRAIN_S": "0"} | own
    state.write(
        folder, service.name, Running(os.getpid(), start_time(os.getpid()), package, digest)
    )
    python = str(service / ".venv" / "bin" / "python")
    os.chdir(service)
    os.execve(python, [python, "-m", package, "serve"], kept | settings)  # noqa: S606 - the service's own command


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _show(ready: dict[str, Running], begun: dict[str, Running], folder: Path) -> None:
    for name, one in sorted(ready.items()):
        how = "" if name in begun else "running already, "
        log = os.path.relpath(folder / f"{name}.log")
        _say(f"{name:<22} {one.url}  ({how}process {one.pid}, log {log})")
    if ready:
        _say(
            "Open an address in a browser; its /docs describes what a service answers.\n"
            "make smoke sends the requests of each demo.toml; make down stops what runs."
        )


def _script(service: Path) -> dict[str, Any]:
    """What `make demo` does with the service: how it is trained, and what it needs besides."""
    return tomllib.loads((service / "demo.toml").read_text(encoding="utf-8"))


def _filled(text: str, package: str) -> str:
    return text.format_map({"model": f"models/{package}", "work": "data"})


def _prepare(service: Path) -> None:
    """Train missing models on sample data, and run the ``prepare`` commands of each demo.toml."""
    script = _script(service)
    package = script["package"]
    command = [str(service / ".venv" / "bin" / "python"), "-m", package]
    manifest = service / "models" / package / "manifest.json"
    if not manifest.is_file():
        _say(f"{service.name}: no model yet, training one on sample data")
        train = [*command, "train", *script.get("train", [])]
        _run(train, service)
    # Once for each model: predictions are served by the model that made them. The note lies with
    # them, so that what removes one removes the other.
    made, digest = service / "data" / ".prepared-by-up", _digest(manifest)
    if script.get("prepare") and not (made.is_file() and made.read_text("utf-8") == digest):
        for arguments in script["prepare"]:
            _run([*command, *(_filled(argument, package) for argument in arguments)], service)
        made.parent.mkdir(exist_ok=True)
        made.write_text(digest, encoding="utf-8")


def _run(command: list[str], service: Path) -> None:
    done = subprocess.run(command, cwd=service, check=False)  # noqa: S603 - the service's own command
    if done.returncode != 0:
        sys.exit(f"{service.name}: `{' '.join(command[1:])}` ended with {done.returncode}")


def _digest(manifest: Path) -> str:
    return hashlib.sha256(manifest.read_bytes()).hexdigest()


def _start(service: Path, folder: Path) -> Running:
    with (folder / f"{service.name}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, __file__, "--state", folder, "become", service],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C ends make, and not what was ready before
        )
    # As it records itself; it may not have come to that yet.
    package = _script(service)["package"]
    digest = _digest(service / "models" / package / "manifest.json")
    return Running(process.pid, start_time(process.pid), package, digest)


if __name__ == "__main__":
    main()
