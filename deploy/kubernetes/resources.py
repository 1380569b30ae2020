"""Measure what one process of each service uses under load: ``make measure-resources``.

Trains on sample data, serves it, sends the requests of the service's demo.toml over a few
connections for some seconds, and notes memory and CPU as the process itself counts them.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 4
SECONDS = 10.0
OK = 200
PREPARE = {"BankChurn-Predictor": [["generate", "sample.csv", "--rows", "1500"]]}
TRAIN = {"BankChurn-Predictor": ["--data", "sample.csv", "--folds", "2"]}


def main() -> None:
    """Measure the services that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    if options.out.is_file():
        results = json.loads(options.out.read_text(encoding="utf-8"))["services"]
    for service in options.services:
        results[service] = _measure(ROOT / service)
        document = {"connections": CONNECTIONS, "seconds": SECONDS, "services": results}
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _measure(service: Path) -> dict[str, float]:
    demo = tomllib.loads((service / "demo.toml").read_text(encoding="utf-8"))
    command = [str(service / ".venv/bin/python"), "-m", demo["package"]]
    with tempfile.TemporaryDirectory(prefix="measure-") as folder:
        # As many trees or words as ever, of fewer rows: what is measured is serving.
        for arguments in PREPARE.get(service.name, ()):
            subprocess.run([*command, *arguments], check=True, cwd=folder)  # noqa: S603
        train = [
            "train",
            *TRAIN.get(service.name, ()),
            "--out",
            f"{folder}/model",
            "--reports",
            f"{folder}/reports",
        ]
        subprocess.run([*command, *train], check=True, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603
        with _served(command, Path(folder)) as (port, to_ready):
            before = _metrics(port)
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                sent = sum(pool.map(lambda _: _load(port, demo["requests"]), range(CONNECTIONS)))
            after = _metrics(port)
    used = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    return {
        "to_ready_s": round(to_ready, 1),
        "memory_idle_mib": round(before["process_resident_memory_bytes"] / 2**20),
        "memory_loaded_mib": round(after["process_resident_memory_bytes"] / 2**20),
        "requests_per_s": round(sent / SECONDS),
        "cpu_ms_per_request": round(1000 * used / sent, 2),
    }


@contextmanager
def _served(command: list[str], folder: Path) -> Iterator[tuple[int, float]]:
    digest = hashlib.sha256((folder / "model/manifest.json").read_bytes()).hexdigest()
    settings = {"PORT": "0", "DRAIN_S": "0", "LOG_LEVEL": "info", "MODEL_SHA256": digest}
    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - the service's own command
        [*command, "serve"],
        env=os.environ | settings | {"MODEL_DIR": str(folder / "model")},
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
        while _get(port, "/ready")[0] != OK:
            time.sleep(0.05)
        to_ready = time.monotonic() - began
        drain = ThreadPoolExecutor(1)
        drain.submit(lambda: [line for line in process.stdout or () if not line])
        yield port, to_ready
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
