"""A served model whose folder can be replaced under it, and whose log can have no room."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from sample_service import SampleService, flip_a_bit
from servicekit.files import sha256_of_file
from servicekit.launch import wait_until

# Every write fails as on a full disk.
NO_ROOM: Final = Path("/dev/full")
SETTINGS: Final = {
    "HOST": "127.0.0.1",
    # Longer than a client waits for `Retry-After`.
    "DRAIN_S": "3",
    # Half-open connections are given up soon.
    "HEADER_TIMEOUT_S": "2",
    "REQUEST_TIMEOUT_S": "5",
    "LOG_LEVEL": "info",
}
# Below the ports that the system gives to connections: no client of the load takes it meanwhile.
PORTS: Final = range(20_000, 30_000)
TIMEOUT_S: Final = 600


class ReplaceableService:
    """A service on one port, restarted several times.

    Args:
        sample: The service with its first model.
        folder: Folder that is served; it does not exist yet.
        key: API key.
        reports: Folder for its log.

    Attributes:
        wrong: What was wrong when a process ended.
    """

    def __init__(self, sample: SampleService, folder: Path, key: str, reports: Path) -> None:
        self._live = replace(sample, model=folder / sample.model.name)
        self._key = key
        self._log = reports / "service.log"
        self._errors = reports / "service.stderr"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self.wrong: list[str] = []
        shutil.copytree(sample.model.parent, folder, ignore=shutil.ignore_patterns("data"))

    def __enter__(self) -> Self:
        """Start it, and wait until its model is proven or refused."""
        self._log.unlink(missing_ok=True)
        self._errors.unlink(missing_ok=True)
        self._start(self._log)
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def replace(self, sample: SampleService, *, broken: bool = False) -> None:
        """Put another folder in the place of the served one, and remove that.

        Args:
            sample: The service with the other model.
            broken: Whether to change one bit of it.
        """
        live = self._live.model.parent
        new, old = live.with_name("new"), live.with_name("old")
        shutil.copytree(sample.model.parent, new, ignore=shutil.ignore_patterns("data"))
        if broken:
            flip_a_bit(new / sample.model.name)
        live.rename(old)
        new.rename(live)
        shutil.rmtree(old)

    def restart(self, log: Path | None = None) -> None:
        """Stop it, start it again, and wait until its model is proven or refused."""
        self.stop()
        self._start(log or self._log)

    def stop(self) -> None:
        """Send SIGTERM, wait for the end, and look at its exit code and its log."""
        if self._process is None:
            return
        self._process.terminate()
        code = self._process.wait(TIMEOUT_S)
        self._process = None
        if code != 0:
            self.wrong.append(f"The service ended with {code} after SIGTERM: see {self._errors}")
        for line in self._log.read_text(encoding="utf-8").splitlines():
            if json.loads(line)["event"] == "unexpected error":
                self.wrong.append(f"The service failed: {line}")

    def differences(self, when: str, expected: SampleService | None) -> Iterator[str]:
        """Differences between the model that is served and the expected one.

        Args:
            when: When that is, for the message.
            expected: The service with the expected model; None if it must be refused.
        """
        _, info = self._get("/model_info")
        status, _ = self._get("/ready")
        if expected is None:
            if status == 200 or info["refusal"] is None:  # noqa: PLR2004
                yield f"{when}: /ready answers {status}, and the model is not refused"
            return
        sha256 = sha256_of_file(expected.model / "manifest.json")
        if status != 200 or info["sha256"] != sha256:  # noqa: PLR2004
            yield f"{when}: {info['sha256']} is served, expected {sha256}; /ready answers {status}"

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        _, text = self._get("/metrics")
        [value] = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(value)

    def _start(self, log: Path) -> None:
        settings = self._live.settings() | SETTINGS
        settings |= {"PORT": str(self._port), "API_KEYS": self._key}
        with log.open("ab") as out, self._errors.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603
                [*self._live.command, "serve"],
                env=os.environ | settings,
                stdout=out,
                stderr=errors,
            )
        try:
            wait_until(self._is_decided, "the model is proven or refused", timeout_s=TIMEOUT_S)
        except AssertionError as error:
            sys.exit(f"The service did not start: {error}. Its log: {self._log}, {self._errors}")

    def _is_decided(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"it ended with {self._process.returncode}")
        with suppress(urllib.error.URLError, ConnectionError):
            status, answer = self._get("/ready")
            return status == 200 or '"refusal"' in json.dumps(answer)  # noqa: PLR2004
        return False

    def _get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an answer; text if it is not JSON."""
        request = urllib.request.Request(  # noqa: S310 - its own address
            self.url + path, headers={"X-API-Key": self._key}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read()
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body.decode()


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
