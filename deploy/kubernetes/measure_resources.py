"""Measure the memory and CPU that pods need: ``make measure-resources``.

Servers: memory and CPU of the process while a few connections send the requests of service.toml for
some seconds. Jobs: memory of all their processes together, and their CPU time, on generated data.
measurements.toml has the data and the jobs. deploy/tests/kubernetes/test_resources.py compares the
requests of the manifests with the results.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import services
import state

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 4
SECONDS = 10.0
MIB = 2**20


def main() -> None:
    """Measure everything, or the names on the command line."""
    demos = {
        tomllib.loads(file.read_text(encoding="utf-8"))["package"]: file
        for file in sorted(ROOT.glob("*/service.toml"))
    }
    plan = tomllib.loads(Path(__file__).with_name("measurements.toml").read_text("utf-8"))
    plan["servers"] = {package: {} for package in demos} | plan["servers"]
    names = [name for kind in plan.values() for name in kind]
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, help="results file, JSON")
    options = parser.parse_args()
    found: dict[str, Any] = {kind: {} for kind in plan}
    if options.out.is_file():
        found = json.loads(options.out.read_text(encoding="utf-8"))
    for kind, name in [(kind, name) for kind, chosen in plan.items() for name in chosen]:
        if name in options.only:
            sys.stderr.write(f"Measuring {name}\n")
            chosen = plan[kind][name]
            demo = demos[chosen.get("package", name)]
            with tempfile.TemporaryDirectory(prefix="measure-") as folder:
                work = Path(folder) / demo.parent.name
                measure = measure_server if kind == "servers" else measure_job
                found[kind][name] = measure(work, demo, chosen)
            settings = {"cores": os.cpu_count(), "connections": CONNECTIONS, "seconds": SECONDS}
            partial = options.out.with_suffix(".part")
            partial.write_text(json.dumps(settings | found, indent=1) + "\n", encoding="utf-8")
            partial.replace(options.out)


def lay_out(work: Path, demo: Path, chosen: dict[str, Any]) -> list[str]:
    """Make a folder in which a service runs, and run the ``before`` commands there.

    Returns:
        The command line of the service, without arguments.
    """
    work.mkdir()
    (work / ".venv").symlink_to(demo.parent / ".venv")
    (work / "service.toml").symlink_to(demo)
    package = tomllib.loads(demo.read_text(encoding="utf-8"))["package"]
    command = [str(work / ".venv/bin/python"), "-m", package]
    for arguments in chosen.get("before", []):
        subprocess.run([*command, *arguments], check=True, cwd=work, stdout=subprocess.DEVNULL)  # noqa: S603
    if "model" in chosen:
        (work / "models").mkdir()
        (work / "models" / package).symlink_to(demo.parent / chosen["model"])
    return command


def measure_server(work: Path, demo: Path, chosen: dict[str, Any]) -> dict[str, float]:
    """Serve as `make up` does, and send the requests of the demonstration."""
    lay_out(work, demo, chosen)
    folder = work.parent / "state"
    folder.mkdir()
    if services.up([work], folder) != 0:
        sys.exit(f"{work.name} is not ready")
    try:
        one = state.known(folder)[work.name]
        requests = tomllib.loads(demo.read_text(encoding="utf-8"))["demo"]["requests"]
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


def measure_job(work: Path, demo: Path, chosen: dict[str, Any]) -> dict[str, float]:
    """Run a job to its end, and sample the memory of all its processes every 50 ms."""
    command = lay_out(work, demo, chosen)
    manifest = work / "models" / command[-1] / "manifest.json"
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
