"""Runs locust on the mix of a service."""

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MIX: Final = "load/locustfile.py"
KEY: Final = "LOAD_TEST_API_KEY"
UNUSABLE: Final = 2
THRESHOLDS: Final = {
    "--max-failures": "Largest share of failed requests, 0 to 1. Default: 0.",
    "--max-p99-ms": "Largest 99th percentile of response times, in ms.",
    "--min-rate": "Smallest number of answers per second.",
    "--max-growth": "Largest growth of memory after warm-up, as a share.",
}
# Requests that are under way at the end may take this long.
_GRACE_S: Final = 60


@dataclass(frozen=True)
class Locust:
    """Runs of locust, each without its web interface.

    Attributes:
        program: The command ``locust``.
        service: Folder of the service.
        url: Address of the service.
        key: API key; empty if the service needs none.
        reports: Folder for reports.
    """

    program: Path
    service: Path
    url: str
    key: str
    reports: Path

    def run(
        self, name: str, *, users: int, seconds: float, options: Sequence[str], quiet: bool = False
    ) -> tuple[int, dict[str, Any]]:
        """Start a run and wait for its end; its exit code and its summary.

        Args:
            name: Name of the reports.
            users: Number of clients that ask at the same time.
            seconds: Length of the run.
            options: Further options.
            quiet: Whether to print nothing.
        """
        process, summary = self.start(
            name, users=users, seconds=seconds, options=options, quiet=quiet
        )
        return process.wait(), read_summary(summary)

    def start(
        self, name: str, *, users: int, seconds: float, options: Sequence[str], quiet: bool = False
    ) -> "tuple[subprocess.Popen[bytes], Path]":
        """Start a run; its process, and the file of its summary."""
        here = Path(__file__).parent
        files = [self.service / MIX, here / "thresholds.py", here / "hostile_users.py"]
        summary = self.reports.absolute() / f"{name}.json"
        summary.unlink(missing_ok=True)
        command: list[str | Path] = [
            self.program.absolute(),
            "--locustfile",
            ",".join(str(file.absolute()) for file in files),
            "--headless",
            "--host",
            self.url,
            "--users",
            str(users),
            "--spawn-rate",
            str(users),
            "--run-time",
            f"{seconds:.0f}s",
            "--stop-timeout",
            str(_GRACE_S),
            "--only-summary",
            "--loglevel",
            "ERROR",
            "--html",
            summary.with_suffix(".html"),
            "--summary",
            summary,
            *options,
        ]
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=self.reports,
            env=os.environ | {"PYTHONPATH": str(here), KEY: self.key},
            stdin=subprocess.DEVNULL,
            # Its tables are written to standard error, as its log.
            stderr=(self.reports / f"{name}.log").open("wb") if quiet else None,
        )
        return process, summary


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every program which runs locust has.

    Args:
        description: The program's docstring.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("service", type=Path, help="Folder of the service.")
    parser.add_argument("--locust", type=Path, required=True, help="Path of the command locust.")
    parser.add_argument("--reports", type=Path, required=True, help="Folder for reports.")
    parser.add_argument("--users", type=_users, default=20, help="Number of clients. Default: 20.")
    return parser


def positive(text: str) -> float:
    """Read a positive number from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def _users(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def read_summary(path: Path) -> dict[str, Any]:
    """Read the summary of a run, or exit with a message if locust has not written it."""
    if not path.is_file():
        sys.exit("locust ended without a summary: its messages above say why. Correct the mix.")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
