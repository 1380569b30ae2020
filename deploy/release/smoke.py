"""Check that services run the expected models and answer the requests of their service.toml.

For each service, it checks that the service is ready, that it serves the expected model, and that
it answers each request of its service.toml with the status in that file; some of them must be
refused. Services that require a key get SMOKE_API_KEY; if it is empty, their requests are skipped.

The services are those of a release file in a cluster, through ``kubectl port-forward``, or with
``--up`` those that ``make up`` started. Needs only Python and kubectl. Exit codes: 0 success,
1 failure, 2 no services to check, or a service.toml that cannot be read.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

from service_files import ServiceFileError, services

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "ml-services"
TIMEOUT_S = 30
OK = 200
UNAUTHORIZED = 401
FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
MODEL = re.compile(r'^\w*model_info\{[^}]*sha256="([0-9a-f]{64})"[^}]*\} 1(?:\.0)?$', re.MULTILINE)
# Without the proxies of the environment: all addresses are on loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Check every service, and print all failures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--release", type=Path, help="release file of a cluster, JSON or TOML")
    which.add_argument("--up", type=Path, help="folder with the records of `make up`")
    parser.add_argument("--kubectl", default="kubectl", help="the program kubectl")
    parser.add_argument("--context", help="context of kubectl; default: the current one")
    options = parser.parse_args()
    kubectl = [options.kubectl, *(["--context", options.context] if options.context else [])]
    try:
        if options.up:
            targets = local_targets(options.up)
        else:
            targets = cluster_targets(options.release, kubectl)
        services(ROOT)
    except (UnusableError, ServiceFileError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    well = [check(service, *target) for service, target in targets.items()]
    return 0 if all(well) else 1


class UnusableError(Exception):
    """There are no services to check; the message has the remedy."""


Target = tuple[str, contextlib.AbstractContextManager[str]]
"""The expected digest of the model, and a context manager with the address."""


def cluster_targets(release: Path, kubectl: list[str]) -> dict[str, Target]:
    """The services of a release file.

    Raises:
        UnusableError: The file cannot be read, or has no models.
    """
    try:
        text = release.read_text(encoding="utf-8")
        content = json.loads(text) if release.suffix == ".json" else tomllib.loads(text)
        models = {name: model["sha256"] for name, model in content["models"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableError(
            f"{release} is not a release file with models ({error}): make release-file writes one"
        ) from error
    if not models:
        raise UnusableError(f"{release} has no models: make release-file writes one with models")
    return {name: (sha256, forwarded(kubectl, name)) for name, sha256 in models.items()}


def local_targets(folder: Path) -> dict[str, Target]:
    """The services that ``make up`` started.

    Raises:
        UnusableError: No service was started.
    """
    found: dict[str, Target] = {}
    for file in sorted(folder.glob("*.json")):
        one = json.loads(file.read_text(encoding="utf-8"))
        address = contextlib.nullcontext(f"http://127.0.0.1:{one['port']}")
        found[one["package"]] = (one["sha256"], address)
    if not found:
        raise UnusableError(
            "No service is running here: run make up first, or name a release file: make smoke"
            " DIGESTS=FILE"
        )
    return found


def check(service: str, sha256: str, address: contextlib.AbstractContextManager[str]) -> bool:
    """Check one service, and print its failures or a success message."""
    key = os.environ.get("SMOKE_API_KEY", "")
    with address as url:
        wrong = list(ask(url, sha256))
        answers = ""
        if not wrong:
            requests = demonstration(service)
            if not requests:
                wrong = [f"{service} has no service.toml with requests"]
            elif not key and demands_key(url, requests):
                answers = "demands a key: its requests were not sent, SMOKE_API_KEY is empty"
            else:
                wrong = [found for one in requests for found in wrong_answer(url, one, key)]
                answers = f"answers {len(requests)} requests as expected"
    print("\n".join(f"{service}: {found}" for found in wrong or [f"ready, {answers}"]))  # noqa: T201
    return not wrong


def ask(url: str, sha256: str) -> Iterator[str]:
    """Failures of readiness and of the served model."""
    status, answer = fetch(f"{url}/ready")
    if status != OK:
        yield f"not ready: {status} {answer[:300]}"
        return
    _, metrics = fetch(f"{url}/metrics")
    served = MODEL.findall(metrics)
    if served != [sha256]:
        yield f"serves the model {served or '(unknown)'}, not the expected {sha256}"


def demonstration(service: str) -> list[dict[str, Any]]:
    """The requests of `make demo` for a service; an empty list without a service.toml."""
    for one in services(ROOT):
        if one.package == service:
            requests: list[dict[str, Any]] = one.demo["requests"]
            return requests
    return []


def demands_key(url: str, requests: list[dict[str, Any]]) -> bool:
    """Whether the service refuses a request without a key with 401."""
    return send(url, requests[0], "")[0] == UNAUTHORIZED


def wrong_answer(url: str, request: dict[str, Any], key: str) -> Iterator[str]:
    """Failures of the answer to a request of a demonstration.

    The answer must have the expected status and the outermost fields that the demonstration shows;
    inner fields depend on the model.
    """
    status, text = send(url, request, key)
    sent = f"{request['method']} {request['path']} ({request['title']}): {status}"
    expected = request.get("status", OK)
    if status != expected:
        yield f"{sent}, expected {expected}: {text[:300]}"
        return
    try:
        answer = json.loads(text)
    except ValueError:
        yield f"{sent} without JSON: {text[:300]}"
        return
    outermost = {field.partition(".")[0] for field in request["show"]}
    if isinstance(answer, list):
        missing = {name for name in outermost if not name.isdigit()}
    else:
        missing = outermost - answer.keys() if isinstance(answer, dict) else outermost
    if missing:
        yield f"{sent} without {', '.join(sorted(missing))}: {text[:300]}"


def send(url: str, request: dict[str, Any], key: str) -> tuple[int, str]:
    """Send a request of service.toml."""
    body = json.dumps(request["body"]).encode() if "body" in request else None
    return fetch(url + request["path"], request["method"], body, key)


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, key: str = ""
) -> tuple[int, str]:
    """Status and text of an answer; status 0 if the connection fails."""
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - loopback
    try:
        with OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)


@contextlib.contextmanager
def forwarded(kubectl: list[str], service: str) -> Iterator[str]:
    """The address of a service that kubectl forwards to this machine."""
    command = [*kubectl, "-n", NAMESPACE, "port-forward", f"service/{service}", ":80"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    # Without output, as with an unreachable cluster, kubectl is killed.
    timeout = threading.Timer(TIMEOUT_S, process.kill)
    timeout.start()
    try:
        found = port(process)
        timeout.cancel()
        yield f"http://127.0.0.1:{found}"
    finally:
        timeout.cancel()
        process.terminate()
        process.wait(timeout=TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()


def port(process: "subprocess.Popen[str]") -> int:
    """The port from the output of kubectl; 0 if it ends without one."""
    for line in process.stdout or ():
        if found := FORWARDED.match(line):
            return int(found[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
