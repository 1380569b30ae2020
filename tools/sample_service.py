"""One service on sample data: trained, sealed, and served as a process of its own.

The service's ``demo.toml`` may give further arguments of ``train``, commands to run after it
(``prepare``) and ``settings``; ``{model}`` and ``{work}`` in them stand for folders.
"""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["SampleService", "Served", "send", "trained"]

READY_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 30


@dataclass(frozen=True)
class Served:
    """A service that is ready.

    Attributes:
        url: Its address.
        pid: Its process.
    """

    url: str
    pid: int


@dataclass(frozen=True)
class SampleService:
    """A service that was trained on sample data.

    Attributes:
        script: Its ``demo.toml``.
        model: Its sealed model.
    """

    script: Mapping[str, Any]
    model: Path

    @property
    def command(self) -> list[str]:
        """Its command line, without arguments."""
        return [sys.executable, "-m", self.script["package"]]

    @contextlib.contextmanager
    def served(self, settings: Mapping[str, str], *, log: Path | None = None) -> Iterator[Served]:
        """Serve it on a free port of loopback; ended on leaving, come what may.

        Args:
            settings: Besides those that it needs.
            log: A file for its log; standard output where not given.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        places = {"model": str(self.model), "work": str(self.model.parent)}
        own = self.script.get("settings", {}).items()
        environment = {name: value.format_map(places) for name, value in own} | {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "MODEL_DIR": str(self.model),
            "MODEL_SHA256": hashlib.sha256((self.model / "manifest.json").read_bytes()).hexdigest(),
            "LOG_LEVEL": "warning",
            "DRAIN_S": "0",
        }
        with contextlib.nullcontext() if log is None else log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                [*self.command, "serve"], env=os.environ | environment | settings, stdout=output
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process)
            yield Served(url, process.pid)
            process.terminate()
            code = process.wait(STOP_TIMEOUT_S)
            if code != 0:
                sys.exit(f"The service ended with {code} after SIGTERM, not with 0.")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@contextlib.contextmanager
def trained(service: Path, *, tell: Callable[[str], None]) -> Iterator[SampleService]:
    """Train and seal a model on sample data, and prepare what is served beside it.

    Args:
        service: The service's folder.
        tell: Takes what is done next, for people.
    """
    script = tomllib.loads((service / "demo.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        found = SampleService(script, Path(folder) / "model")
        tell("Training and sealing a model on sample data")
        train = [*found.command, "train", "--out", found.model]
        train += ["--reports", Path(folder) / "report", *script.get("train", [])]
        subprocess.run(train, check=True)  # noqa: S603
        places = {"model": str(found.model), "work": folder}
        for arguments in script.get("prepare", []):
            tell("Running " + " ".join([script["package"], *arguments]))
            filled = [argument.format_map(places) for argument in arguments]
            subprocess.run([*found.command, *filled], check=True)  # noqa: S603
        yield found


def send(url: str, request: Mapping[str, Any]) -> tuple[int, Any]:
    """Send one request.

    Args:
        url: Of the service.
        request: Its ``method``, ``path`` and perhaps ``body``.

    Returns:
        The status, and the JSON of the answer, or its text under ``page``.
    """
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


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    answer: Any = "no answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"The service ended with {process.returncode} before it was ready.")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            status, answer = send(url, {"method": "GET", "path": "/ready"})
            if status == 200:  # noqa: PLR2004
                return
        time.sleep(0.1)
    sys.exit(f"The service was not ready within {READY_TIMEOUT_S} s: {answer}")
