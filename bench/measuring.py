"""What the benchmarks share: timing, the machine, results files, and promises."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from servicekit.files import write_file


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option ``--out``.

    Args:
        description: The benchmark's docstring.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="Results file (JSON) to write.")
    return parser


def machine() -> str:
    """The machine in words: cores, architecture, Python version."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The wall time of a call in seconds, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def cpu_timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The CPU time of this thread in a call, in seconds, and its result."""
    began = time.thread_time()
    result = work()
    return time.thread_time() - began, result


def run_command(package: str, *arguments: object) -> str:
    """Run a service's command; its standard output."""
    command = [sys.executable, "-m", package, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


def read_results(path: Path) -> dict[str, Any]:
    """An earlier results file, or an empty document."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Write a results file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, f"{json.dumps(results, indent=2)}\n".encode())


def check_promises(promises: Mapping[str, bool], note: str = "") -> None:
    """Exit with a message if a promise does not hold.

    Args:
        promises: Each promise in words, and whether it holds.
        note: What the reader has to know of the measurement.
    """
    broken = [promise for promise, holds in promises.items() if not holds]
    if broken:
        sys.exit(f"Not as promised: {'; '.join(broken)}. {note}".strip())
