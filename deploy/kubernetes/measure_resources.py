"""Measure the memory and CPU that pods need: ``make measure-resources``.

Servers: memory and CPU of the process while a few connections send the requests of service.toml for
some seconds. Jobs: memory of all their processes together, and their CPU time, on generated data.
The table ``measurements`` of a service.toml has the jobs and, where it is not that of the
demonstration, the data; ``{sha256}`` is the digest of the model that ``before`` trained. A job is a
``command`` of the service, or the ``challenge`` of that model with a table.
deploy/tests/kubernetes/test_resources.py compares the requests of the manifests with the results.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import service_files
import services
import state
from service_files import Service
from text_files import replace_text

ROOT = Path(__file__).resolve().parents[2]
MODELWATCH = ROOT / "libs/modelwatch/.venv/bin/modelwatch"
CONNECTIONS = 4
SECONDS = 10.0
MIB = 2**20

Plan = dict[str, dict[str, Any]]
"""What is measured, as ``servers`` and ``jobs``, by its name."""


def main() -> None:
    """Measure everything, or the names on the command line."""
    plans = [(service, plan_of(service)) for service in service_files.services(ROOT)]
    names = [name for _, plan in plans for kind in plan.values() for name in kind]
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    only = parser.parse_args().only
    for service, plan in plans:
        measure(service, plan, only)


def plan_of(service: Service) -> Plan:
    """The service as `make demo` trains it, and what its service.toml adds."""
    given = service.measurements
    servers = {service.package: {}} | given.get("servers", {})
    return {"servers": servers, "jobs": given.get("jobs", {})}


def measure(service: Service, plan: Plan, only: list[str]) -> None:
    """Measure some names of a plan, and write each into the results of the service."""
    out = service.folder / "results" / "resources.json"
    found: dict[str, Any] = {kind: {} for kind in plan}
    if out.is_file():
        found = json.loads(out.read_text(encoding="utf-8"))
    for kind, name in [(kind, name) for kind, chosen in plan.items() for name in chosen]:
        if name in only:
            sys.stderr.write(f"Measuring {name}\n")
            with tempfile.TemporaryDirectory(prefix="measure-") as folder:
                work = Path(folder) / service.name
                measured = measure_server if kind == "servers" else measure_job
                found[kind][name] = measured(work, service, plan[kind][name])
            settings = {"cores": os.cpu_count(), "connections": CONNECTIONS, "seconds": SECONDS}
            replace_text(out, json.dumps(settings | found, indent=1) + "\n")


def lay_out(work: Path, service: Service, chosen: dict[str, Any]) -> list[str]:
    """Make a folder in which a service runs, and run the ``before`` commands there.

    Returns:
        The command line of the service, without arguments.
    """
    work.mkdir()
    (work / ".venv").symlink_to(service.folder / ".venv")
    (work / "service.toml").symlink_to(service.folder / "service.toml")
    command = [str(work / ".venv/bin/python"), "-m", service.package]
    for arguments in chosen.get("before", []):
        subprocess.run([*command, *arguments], check=True, cwd=work, stdout=subprocess.DEVNULL)  # noqa: S603
    if "model" in chosen:
        (work / "models").mkdir()
        (work / "models" / service.package).symlink_to(service.folder / chosen["model"])
    return command


def measure_server(work: Path, service: Service, chosen: dict[str, Any]) -> dict[str, float]:
    """Serve as `make up` does, and send the requests of the demonstration."""
    lay_out(work, service, chosen)
    folder = work.parent / "state"
    folder.mkdir()
    if services.up([work], folder) != 0:
        sys.exit(f"{work.name} is not ready")
    try:
        one = state.known(folder)[work.name]
        requests = service.demo["requests"]
        before = metrics(one.url)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            sent = sum(pool.map(lambda _: load(one.url, requests), range(CONNECTIONS)))
        after = metrics(one.url)
        peak = status_bytes(one.pid, "VmHWM")
    finally:
        services.down(folder, state.known(folder))
    used = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    return {
        "memory_idle_mib": round(before["process_resident_memory_bytes"] / MIB),
        "memory_peak_mib": round(peak / MIB),
        "cpu_ms_per_request": round(1000 * used / sent, 2),
    }


def measure_job(work: Path, service: Service, chosen: dict[str, Any]) -> dict[str, float]:
    """Run a job to its end, and sample the memory of all its processes every 50 ms."""
    command = lay_out(work, service, chosen)
    model = work / "models" / command[-1]
    if "challenge" in chosen:
        options = {
            "--python": command[0],
            "--champion": str(model),
            "--data": str(work / chosen["challenge"]),
            "--out": str(work / "challenge"),
        }
        given = [word for option in options.items() for word in option]
        command = [str(MODELWATCH), "challenge", str(work), *given, "--succeed-if-compared"]
    else:
        manifest = model / "manifest.json"
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.exists() else ""
        command += [one.format(sha256=digest) for one in chosen["command"]]
    began, peak = time.monotonic(), 0.0
    process = subprocess.Popen(  # noqa: S603 - the service's own command
        command, cwd=work, stdout=subprocess.DEVNULL, start_new_session=True
    )
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        peak = max(peak, session_bytes(process.pid))
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode}")
    return {
        # The kernel's figure is exact, but for the largest process only.
        "memory_peak_mib": round(max(peak, used.ru_maxrss * 1024) / MIB),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "wall_s": round(time.monotonic() - began, 1),
    }


def session_bytes(leader: int) -> float:
    """The memory of the processes of a session; shared pages count for each process."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                total += status_bytes(int(folder.name), "VmRSS")
        except (OSError, ValueError, IndexError):
            continue  # the process has ended
    return total


def status_bytes(process: int, name: str) -> float:
    """A figure of a process's status, in bytes; 0 if it has no memory any more."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) * 1024
    return 0.0


def load(url: str, requests: list[dict[str, Any]]) -> int:
    """Send the requests in turn, over one connection, for `SECONDS`; how many were sent."""
    connection, sent = HTTPConnection(url.removeprefix("http://"), timeout=60), 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        one = requests[sent % len(requests)]
        body = json.dumps(one["body"]) if "body" in one else None
        connection.request(one["method"], one["path"], body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        sent += 1
    connection.close()
    return sent


def metrics(url: str) -> dict[str, float]:
    """The metrics of the process, by name."""
    with urlopen(f"{url}/metrics", timeout=60) as answer:  # noqa: S310 - loopback
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("process_"))
    return {name: float(value) for name, value in pairs}


if __name__ == "__main__":
    main()
