"""Train, seal and serve one service on sample data, send it real requests, and stop it.

Run by ``make demo-SERVICE`` in the service's own environment. What to send is in the service's
``demo.toml``. So is, for a service that needs it, what ``train`` is told besides, which commands
``prepare`` what it serves beside its model, and ``settings`` of its own; ``{model}`` and ``{work}``
are folders in these. Everything else is the same for every service.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30

console = Console()


def main() -> None:
    """Run the demonstration of the service that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", type=Path, help="folder of the service")
    service: Path = parser.parse_args().service
    script = tomllib.loads((service / "demo.toml").read_text(encoding="utf-8"))

    console.rule(f"[bold]{service.name}")
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        model = Path(folder) / "model"
        command = [sys.executable, "-m", script["package"]]
        _say("Training and sealing a model on sample data")
        places = {"model": str(model), "work": folder}
        train = [*command, "train", "--out", model, "--reports", Path(folder) / "report"]
        subprocess.run([*train, *script.get("train", [])], check=True)  # noqa: S603
        for arguments in script.get("prepare", []):
            filled = [argument.format_map(places) for argument in arguments]
            _say("Running " + " ".join([script["package"], *arguments]))
            subprocess.run([*command, *filled], check=True)  # noqa: S603
        own = {name: value.format_map(places) for name, value in script.get("settings", {}).items()}
        digest = hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()
        with _served(command, model, digest, own) as url:
            _say(f"Serving it on {url}")
            console.print(_answers(url, script["requests"]))
        _say("Stopped; nothing is left running")
        _show_refusal(model)


def _say(text: str) -> None:
    console.print(f"[bold cyan]{text}")


@contextlib.contextmanager
def _served(command: list[str], model: Path, digest: str, own: dict[str, str]) -> Iterator[str]:
    """The service as a process of its own, ready to answer; ended on leaving, come what may."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = own | {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "MODEL_DIR": str(model),
        "MODEL_SHA256": digest,
        "LOG_LEVEL": "warning",
        "DRAIN_S": "0",
    }
    process = subprocess.Popen([*command, "serve"], env=os.environ | settings)  # noqa: S603
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process)
        yield url
        process.terminate()
        code = process.wait(STOP_TIMEOUT_S)
        if code != 0:
            sys.exit(f"The service ended with {code} after SIGTERM, not with 0.")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    answer: Any = "no answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"The service ended with {process.returncode} before it was ready.")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            status, answer = _send(url, {"method": "GET", "path": "/ready"})
            if status == 200:  # noqa: PLR2004
                return
        time.sleep(0.1)
    sys.exit(f"The service was not ready within {READY_TIMEOUT_S} s: {answer}")


def _answers(url: str, requests: list[dict[str, Any]]) -> Table:
    table = Table("request", "status", "answer", show_lines=True)
    for request in requests:
        status, answer = _send(url, request)
        if status != request.get("status", 200):
            sys.exit(f"{request['path']} answered {status}: {answer}")
        shown = {field: _pick(answer, field) for field in request["show"]}
        table.add_row(
            f"{request['title']}\n[dim]{request['method']} {request['path']}",
            str(status),
            "\n".join(f"{field}: {_short(value)}" for field, value in shown.items()),
        )
    return table


def _send(url: str, request: dict[str, Any]) -> tuple[int, Any]:
    body = json.dumps(request["body"]).encode() if "body" in request else None
    outgoing = urllib.request.Request(  # noqa: S310 - a loopback address of our own
        url + request["path"],
        data=body,
        method=request["method"],
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(outgoing, timeout=30) as response:  # noqa: S310
            if response.headers.get_content_type() != "application/json":
                return response.status, {"page": response.read().decode()}
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _pick(answer: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a dotted path, such as ``predictions.0.risk_level``."""
    for part in path.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return answer


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return "".join(f"\n  {name}: {_short(item)}" for name, item in value.items())
    return str(value)


def _show_refusal(model: Path) -> None:
    """Change one byte of the model, and show that it does not open any more."""
    broken = model.with_name("broken")
    shutil.copytree(model, broken)
    file = max(broken.iterdir(), key=lambda path: path.stat().st_size)
    contents = bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 0x01
    file.write_bytes(contents)
    _say(f"One bit of {file.name} changed; opening it again")
    pinproof = [sys.executable, "-m", "pinproof", "open", broken]
    refused = subprocess.run(pinproof, capture_output=True, text=True, check=False)  # noqa: S603
    if refused.returncode != 1:
        sys.exit(f"A tampered model opened: {refused.stdout}{refused.stderr}")
    console.print(f"[red]{refused.stderr.strip()}")


if __name__ == "__main__":
    main()
