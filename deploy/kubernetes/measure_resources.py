"""Measure what pods need: ``make measure-resources``.

Servers: trained on sample data, asked the requests of the service's demo.toml over a few
connections for some seconds; memory and CPU as the process itself counts them. Jobs: run as their
pods run them, on generated data; the memory of all their processes together, and their CPU. What
manifests request is derived from it (deploy/tests/kubernetes/test_resources.py).
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 4
SECONDS = 10.0
OK = 200
MIB = 2**20
FOLDERS = {
    "bankchurn": "BankChurn-Predictor",
    "nlpinsight": "NLPInsight-Analyzer",
    "chicagotaxi": "ChicagoTaxi-Pipeline",
}
# As many trees as ever, of fewer rows: what is measured is serving. ChicagoTaxi's as in its demo.
TRAIN = {"bankchurn": [["generate", "sample.csv", "--rows", "1500"]]}
OPTIONS = {"bankchurn": ["--data", "sample.csv", "--folds", "2"]}
TRANSFORMER = ROOT / "NLPInsight-Analyzer/models/transformer"
# What the portal has of four months, in a year with many trips.
NIGHT = ["--rows", "2200000", "--days", "120", "--dialect", "api"]


def main() -> None:
    """Measure everything, or what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--only", nargs="+", choices=[*SERVERS, *JOBS], default=[*SERVERS, *JOBS])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found: dict[str, Any] = {"servers": {}, "jobs": {}}
    if options.out.is_file():
        found = json.loads(options.out.read_text(encoding="utf-8"))
    for name in options.only:
        sys.stderr.write(f"Measuring {name}\n")
        kind, measure = ("servers", SERVERS[name]) if name in SERVERS else ("jobs", JOBS[name])
        with tempfile.TemporaryDirectory(prefix="measure-") as folder:
            found[kind][name] = measure(Path(folder))
        settings = {"cores": os.cpu_count(), "connections": CONNECTIONS, "seconds": SECONDS}
        document = json.dumps(settings | found, indent=1) + "\n"
        partial = options.out.with_suffix(".part")
        partial.write_text(document, encoding="utf-8")
        partial.replace(options.out)


def _server(service: str, folder: Path, model: Path | None = None) -> dict[str, float]:
    demo = tomllib.loads((ROOT / FOLDERS[service] / "demo.toml").read_text(encoding="utf-8"))
    places = {"model": str(model or folder / "model"), "work": str(folder)}
    if model is None:
        model = folder / "model"
        options = [*OPTIONS.get(service, []), *demo.get("train", [])]
        train = ["train", "--out", str(model), "--reports", f"{folder}/reports", *options]
        prepare = [[part.format_map(places) for part in one] for one in demo.get("prepare", [])]
        for arguments in [*TRAIN.get(service, []), train, *prepare]:
            _run(service, arguments, folder)
    own = {name: value.format_map(places) for name, value in demo.get("settings", {}).items()}
    with _served(_command(service), model, own) as (port, process):
        before = _metrics(port)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            sent = sum(pool.map(lambda _: _load(port, demo["requests"]), range(CONNECTIONS)))
        after = _metrics(port)
        peak = _status(process.pid, "VmHWM")
    used = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    return {
        "memory_idle_mib": round(before["process_resident_memory_bytes"] / MIB),
        "memory_peak_mib": round(peak / MIB),
        "cpu_ms_per_request": round(1000 * used / sent, 2),
    }


def _night(folder: Path) -> dict[str, float]:
    """The pipeline's night: four months of trips, as days of the portal's API, and a week ahead."""
    _run("chicagotaxi", ["generate", "trips.csv", *NIGHT], folder)
    train = ["train", "--out", "model", "--reports", "reports", "--folds", "1"]
    _run("chicagotaxi", train, folder)
    digest = hashlib.sha256((folder / "model/manifest.json").read_bytes()).hexdigest()
    run = ["run", "trips.csv", "--out", "pipeline", "--reports", "reports"]
    return _job("chicagotaxi", [*run, "--model", "model", "--model-sha256", digest], folder)


def _retraining(service: str, folder: Path) -> dict[str, float]:
    """A training as the job does it, on as many rows as the sample has."""
    options: list[str] = []
    if service == "bankchurn":
        _run(service, ["generate", "sample.csv"], folder)
        options = ["--data", "sample.csv"]
    return _job(service, ["train", "--out", "model", "--reports", "reports", *options], folder)


SERVERS: dict[str, Callable[[Path], dict[str, float]]] = {
    "bankchurn": lambda folder: _server("bankchurn", folder),
    "nlpinsight-tfidf": lambda folder: _server("nlpinsight", folder),
    "nlpinsight-transformer": lambda folder: _server("nlpinsight", folder, TRANSFORMER),
    "chicagotaxi": lambda folder: _server("chicagotaxi", folder),
}
JOBS: dict[str, Callable[[Path], dict[str, float]]] = {
    "chicagotaxi-pipeline": _night,
    "bankchurn-retraining": lambda folder: _retraining("bankchurn", folder),
    "nlpinsight-retraining": lambda folder: _retraining("nlpinsight", folder),
    "chicagotaxi-retraining": lambda folder: _retraining("chicagotaxi", folder),
}


def _command(service: str) -> list[str]:
    return [str(ROOT / FOLDERS[service] / ".venv/bin/python"), "-m", service]


def _run(service: str, arguments: Sequence[str], folder: Path) -> None:
    command = [*_command(service), *arguments]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603


def _job(service: str, arguments: Sequence[str], folder: Path) -> dict[str, float]:
    """Run a job to its end: the memory of all its processes, as often looked at as they move."""
    began, peak = time.monotonic(), 0.0
    process = subprocess.Popen(  # noqa: S603 - the service's own command
        [*_command(service), *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        peak = max(peak, _session_bytes(process.pid))
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{arguments}: it ended with {process.returncode}")
    return {
        # The kernel misses no moment of the largest process, and does not add them up.
        "memory_peak_mib": round(max(peak, used.ru_maxrss * 1024) / MIB),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "wall_s": round(time.monotonic() - began, 1),
    }


def _session_bytes(leader: int) -> float:
    """The memory of the processes of a session; what they share counts for each."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                total += _status(int(folder.name), "VmRSS")
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
    return total


def _status(process: int, name: str) -> float:
    """A figure of a process's status, in bytes; 0 where it has no memory any more."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) * 1024
    return 0.0


@contextmanager
def _served(
    command: list[str], model: Path, own: Mapping[str, str]
) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    digest = hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()
    settings = {"PORT": "0", "DRAIN_S": "0", "LOG_LEVEL": "info", "MODEL_SHA256": digest}
    process = subprocess.Popen(  # noqa: S603 - the service's own command
        [*command, "serve"],
        env=os.environ | settings | {"MODEL_DIR": str(model)} | dict(own),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stdout or ():
            entry = json.loads(line)
            if entry["event"] == "listening":
                port = int(entry["port"])
                break
        else:
            sys.exit(f"{command}: it ended before it listened")
        drain = ThreadPoolExecutor(1)
        drain.submit(lambda: [line for line in process.stdout or () if not line])
        while _get(port, "/ready")[0] != OK:
            time.sleep(0.05)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=60)


def _load(port: int, requests: list[dict[str, Any]]) -> int:
    """Send the requests in turn, over one connection, until the time is over."""
    connection, sent = HTTPConnection("127.0.0.1", port, timeout=60), 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        one = requests[sent % len(requests)]
        body = json.dumps(one["body"]) if "body" in one else None
        connection.request(one["method"], one["path"], body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        sent += 1
    connection.close()
    return sent


def _metrics(port: int) -> dict[str, float]:
    lines = _get(port, "/metrics")[1].decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("process_"))
    return {name: float(value) for name, value in pairs}


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


if __name__ == "__main__":
    main()
