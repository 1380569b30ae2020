"""Ask what was deployed whether it is what was meant, and whether it answers.

For each service of the release file: whether it is ready, whether the model that it says it serves
is the release's, and, where a key is given in SMOKE_API_KEY, whether it answers the requests of its
demo.toml. Reached through ``kubectl port-forward``: nothing has to be open to the world.
Needs nothing but Python and kubectl. Exits with 0 if all is well, else with 1.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "ml-services"
TIMEOUT_S = 30
FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
MODEL = re.compile(r'^\w*model_info\{[^}]*sha256="([0-9a-f]{64})"[^}]*\} 1(?:\.0)?$', re.MULTILINE)


def main() -> int:
    """Ask every service; tell everything that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("release", type=Path, help="the release file, JSON or TOML")
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--context", help="of kubectl; the current one if not given")
    options = parser.parse_args()
    text = options.release.read_text(encoding="utf-8")
    release = json.loads(text) if options.release.suffix == ".json" else tomllib.loads(text)
    kubectl = [options.kubectl, *(["--context", options.context] if options.context else [])]
    wrong = []
    for service, model in release["models"].items():
        with forwarded(kubectl, service) as url:
            found = [*ask(url, model["sha256"]), *requests(service, url)]
        print(f"{service}: {'; '.join(found) or 'ready, the model of the release, answers'}")  # noqa: T201
        wrong += found
    return 1 if wrong else 0


def ask(url: str, sha256: str) -> Iterator[str]:
    """What is wrong with a service that should serve a model."""
    status, answer = fetch(f"{url}/ready")
    if status != 200:  # noqa: PLR2004
        yield f"not ready: {status} {answer[:300]}"
        return
    _, metrics = fetch(f"{url}/metrics")
    served = MODEL.findall(metrics)
    if served != [sha256]:
        yield f"serves the model {served or 'that it does not tell'}, the release says {sha256}"


def requests(service: str, url: str) -> Iterator[str]:
    """What is wrong with the answers to the requests of the service's demo.toml."""
    key = os.environ.get("SMOKE_API_KEY", "")
    if not key:
        return
    for script in map(demonstration, sorted(ROOT.glob("*/demo.toml"))):
        if script["package"] != service:
            continue
        for request in script["requests"]:
            body = json.dumps(request["body"]).encode() if "body" in request else None
            status, answer = fetch(url + request["path"], request["method"], body, key)
            if status != 200:  # noqa: PLR2004
                yield f"{request['method']} {request['path']}: {status} {answer[:300]}"


def demonstration(path: Path) -> dict[str, Any]:
    """What `make demo` sends."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, key: str = ""
) -> tuple[int, str]:
    """Status and text of an answer; a connection that fails is status 0."""
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


@contextlib.contextmanager
def forwarded(kubectl: list[str], service: str) -> Iterator[str]:
    """The address of a service on this machine, for as long as it is needed."""
    command = [*kubectl, "-n", NAMESPACE, "port-forward", f"service/{service}", ":80"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield f"http://127.0.0.1:{port(process)}"
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT_S)


def port(process: "subprocess.Popen[str]") -> int:
    """Where kubectl listens, as it says."""
    deadline = time.monotonic() + TIMEOUT_S
    assert process.stdout is not None  # noqa: S101 - it was asked for
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if found := FORWARDED.match(line):
            return int(found[1])
        if not line and process.poll() is not None:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
