"""Run the services on this machine, without Kubernetes: ``make up`` and ``make down``.

Each service runs in the background, from its own environment and on its own port. Its log and its
record are in ``.cache/up``. Has no dependencies.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import state
from processes import start_time
from readiness import NotReadyError, wait_until_ready
from state import Running

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from service_files import ServiceFileError, read_service

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cache" / "up"
STOP_TIMEOUT_S = 30


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="folder for logs and records")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start the services that are not running")
    starting.add_argument("services", nargs="+", type=Path, help="folders of the services")
    commands.add_parser("down", help="stop the services that up started")
    becoming = commands.add_parser("become", help="record this process, then become a service")
    becoming.add_argument("service", type=Path, help="folder of the service")
    options = parser.parse_args()
    folder = options.state.absolute()
    if options.command == "become":
        become(options.service, folder)
    # SIGTERM stops the started services, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with state.exclusive(folder):
        if options.command == "down":
            down(folder, state.known(folder))
            return
        try:
            sys.exit(up([ROOT / service for service in options.services], folder))
        except ServiceFileError as error:
            sys.exit(f"{error}")


def up(services: list[Path], folder: Path) -> int:
    """Start the services that are not running, and wait until each is ready or has failed.

    A service that is not ready is stopped; the others keep running.

    Returns:
        0 if all are ready, 1 otherwise, 130 after Ctrl-C, which stops the started services.
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
        # A service that an interrupted call left running may not be ready.
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
            _say("Interrupted: the started services are stopped")
            return 128 + signal.SIGINT
        raise
    _show(ready, begun, folder)
    for name, problem in problems.items():
        sys.stderr.write(f"{name} is not ready: {problem}\n")
    return 1 if problems else 0


def down(folder: Path, services: dict[str, Running]) -> None:
    """Stop the recorded processes that are running, all at once, and delete their records."""
    alive = {name: one for name, one in services.items() if one.alive}
    for one in alive.values():
        os.kill(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for name, one in alive.items():
        while one.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        if one.alive:
            os.kill(one.pid, signal.SIGKILL)
            _say(f"{name}: killed after {STOP_TIMEOUT_S} s")
        else:
            _say(f"{name}: stopped")
    for name in services:
        (folder / f"{name}.json").unlink(missing_ok=True)


def become(service: Path, folder: Path) -> NoReturn:
    """Record this process under the service, then replace it by the service."""
    description = read_service(service)
    package = description.package
    digest = _digest(service / "models" / package / "manifest.json")
    given = description.demo.get("settings", {})
    own = {name: _filled(value, package) for name, value in given.items()}
    # Each service has its own port and model; exported settings are ignored.
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
            "Open an address in a browser; /docs describes the API of a service.\n"
            "make smoke sends the requests of each service.toml; make down stops the services."
        )


def _filled(text: str, package: str) -> str:
    return text.format_map({"model": f"models/{package}", "work": "data"})


def _prepare(service: Path) -> None:
    """Train a missing model on sample data, and run the ``prepare`` commands of service.toml."""
    description = read_service(service)
    package, script = description.package, description.demo
    command = [str(service / ".venv" / "bin" / "python"), "-m", package]
    manifest = service / "models" / package / "manifest.json"
    if not manifest.is_file():
        _say(f"{service.name}: no model yet, training one on sample data")
        train = [*command, "train", *script.get("train", [])]
        _run(train, service)
    # Once for each model: a service serves only predictions of its own model. The note is in the
    # same folder as the predictions, so that both are removed together.
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
            start_new_session=True,  # Ctrl-C stops make, not services that were ready before
        )
    # The process writes the same record, perhaps later.
    package = read_service(service).package
    digest = _digest(service / "models" / package / "manifest.json")
    return Running(process.pid, start_time(process.pid), package, digest)


if __name__ == "__main__":
    main()
