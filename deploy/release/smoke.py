"""Check that services run the expected models and answer the requests of their demo.toml.

For each service, it checks that the service is ready, that it serves the expected model, and that
it answers each request of its demo.toml with the status that the file gives; some of them must be
refused. Services that demand a key get SMOKE_API_KEY; where that is empty, their requests are
skipped.

The services are those of a release file in a cluster, reached through ``kubectl port-forward``:
nothing has to be open to the world. Or, with ``--up``, those that ``make up`` has started.
Needs nothing but Python and kubectl. Exits with 0 if all is well, 1 if anything is not, 2 if there
is nothing to ask.
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

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "ml-services"
TIMEOUT_S = 30
OK = 200
UNAUTHORIZED = 401
FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
MODEL = re.compile(r'^\w*model_info\{[^}]*sha256="([0-9a-f]{64})"[^}]*\} 1(?:\.0)?$', re.MULTILINE)
# Whatever proxies the environment names: everything that is asked is on loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Ask every service; tell everything that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--release", type=Path, help="the release file of a cluster, JSON or TOML")
    which.add_argument("--up", type=Path, help="the folder where `make up` records what it started")
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--context", help="of kubectl; the current one if not given")
    options = parser.parse_args()
    kubectl = [options.kubectl, *(["--context", options.context] if options.context else [])]
    try:
        if options.up:
            targets = local_targets(options.up)
        else:
            targets = cluster_targets(options.release, kubectl)
    except UnusableError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    well = [check(service, *target) for service, target in targets.items()]
    return 0 if all(well) else 1


class UnusableError(Exception):
    """There is nothing to ask; the message says what to do."""


Target = tuple[str, contextlib.AbstractContextManager[str]]
"""The digest of the model that a service should serve, and what makes its address."""


def cluster_targets(release: Path, kubectl: list[str]) -> dict[str, Target]:
    """The services of a release file.

    Raises:
        UnusableError: The file cannot be read, or names no model.
    """
    try:
        text = release.read_text(encoding="utf-8")
        content = json.loads(text) if release.suffix == ".json" else tomllib.loads(text)
        models = {name: model["sha256"] for name, model in content["models"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableError(
            f"{release} is no release file with models ({error}): make release-file writes one"
        ) from error
    if not models:
        raise UnusableError(f"{release} names no model: make release-file writes one that does")
    return {name: (sha256, forwarded(kubectl, name)) for name, sha256 in models.items()}


def local_targets(folder: Path) -> dict[str, Target]:
    """The services that ``make up`` has started.

    Raises:
        UnusableError: There are none.
    """
    found: dict[str, Target] = {}
    for file in sorted(folder.glob("*.json")):
        one = json.loads(file.read_text(encoding="utf-8"))
        address = contextlib.nullcontext(f"http://127.0.0.1:{one['port']}")
        found[one["package"]] = (one["sha256"], address)
    if not found:
        raise UnusableError(
            "Nothing was started here: make up first, or name a cluster's release file: make smoke"
            " DIGESTS=FILE"
        )
    return found


def check(service: str, sha256: str, address: contextlib.AbstractContextManager[str]) -> bool:
    """Ask one service, and print what is wrong with it, or that nothing is."""
    key = os.environ.get("SMOKE_API_KEY", "")
    with address as url:
        wrong = list(ask(url, sha256))
        answers = ""
        if not wrong:
            requests = demonstration(service)
            if not requests:
                wrong = [f"no demo.toml of {service} says what to ask it"]
            elif not key and demands_key(url, requests):
                answers = "demands a key: its requests were not sent, SMOKE_API_KEY is empty"
            else:
                wrong = [found for one in requests for found in wrong_answer(url, one, key)]
                answers = f"answers {len(requests)} requests as expected"
    print("\n".join(f"{service}: {found}" for found in wrong or [f"ready, {answers}"]))  # noqa: T201
    return not wrong


def ask(url: str, sha256: str) -> Iterator[str]:
    """What is wrong with a service that should serve a model."""
    status, answer = fetch(f"{url}/ready")
    if status != OK:
        yield f"not ready: {status} {answer[:300]}"
        return
    _, metrics = fetch(f"{url}/metrics")
    served = MODEL.findall(metrics)
    if served != [sha256]:
        yield f"serves the model {served or 'that it does not tell'}, not {sha256}, which was meant"


def demonstration(service: str) -> list[dict[str, Any]]:
    """What `make demo` sends to a service; empty where nothing says it."""
    for path in sorted(ROOT.glob("*/demo.toml")):
        script = tomllib.loads(path.read_text(encoding="utf-8"))
        if script["package"] == service:
            requests: list[dict[str, Any]] = script["requests"]
            return requests
    return []


def demands_key(url: str, requests: list[dict[str, Any]]) -> bool:
    """Whether a request without a key is refused because it has none."""
    return send(url, requests[0], "")[0] == UNAUTHORIZED


def wrong_answer(url: str, request: dict[str, Any], key: str) -> Iterator[str]:
    """What is wrong with the answer to a request of a demonstration.

    The status is compared, and whether the fields that the demonstration shows are there, as far as
    no model decides it: the outermost ones.
    """
    status, text = send(url, request, key)
    told = f"{request['method']} {request['path']} ({request['title']}): {status}"
    expected = request.get("status", OK)
    if status != expected:
        yield f"{told}, expected {expected}: {text[:300]}"
        return
    try:
        answer = json.loads(text)
    except ValueError:
        yield f"{told} without JSON: {text[:300]}"
        return
    outermost = {field.partition(".")[0] for field in request["show"]}
    if isinstance(answer, list):
        missing = {name for name in outermost if not name.isdigit()}
    else:
        missing = outermost - answer.keys() if isinstance(answer, dict) else outermost
    if missing:
        yield f"{told} without {', '.join(sorted(missing))}: {text[:300]}"


def send(url: str, request: dict[str, Any], key: str) -> tuple[int, str]:
    """Send a request as demo.toml writes it."""
    body = json.dumps(request["body"]).encode() if "body" in request else None
    return fetch(url + request["path"], request["method"], body, key)


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, key: str = ""
) -> tuple[int, str]:
    """Status and text of an answer; a connection that fails is status 0."""
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
    """The address of a service on this machine, for as long as it is needed."""
    command = [*kubectl, "-n", NAMESPACE, "port-forward", f"service/{service}", ":80"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    # One that says nothing, such as one that waits for an unreachable cluster, is ended.
    patience = threading.Timer(TIMEOUT_S, process.kill)
    patience.start()
    try:
        found = port(process)
        patience.cancel()
        yield f"http://127.0.0.1:{found}"
    finally:
        patience.cancel()
        process.terminate()
        process.wait(timeout=TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()


def port(process: "subprocess.Popen[str]") -> int:
    """Where kubectl listens, as it says; 0 if it ends before."""
    for line in process.stdout or ():
        if found := FORWARDED.match(line):
            return int(found[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
