"""Waits until a service is ready, or cannot become ready."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import state
from processes import port_holder
from state import Running

__all__ = ["NotReadyError", "wait_until_ready"]

READY_TIMEOUT_S = 90
OK = 200


class NotReadyError(Exception):
    """A service does not become ready; the message has the reason."""


def wait_until_ready(name: str, one: Running, folder: Path) -> Running:
    """Wait for ``/ready``, and record the port from the log of the service.

    Args:
        name: Name of the service.
        one: Its process.
        folder: Folder with its log and its record.

    Raises:
        NotReadyError: The process ended, refused its model, or took too long.
    """
    log, last = folder / f"{name}.log", "it does not listen"
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if not one.alive:
            raise NotReadyError(_why_it_ended(log))
        if one.port is None and (port := _port(log, "listening")) is not None:
            one = replace(one, port=port)
            state.write(folder, name, one)
        if one.port is not None:
            status, answer = _ask(f"{one.url}/ready")
            if status == OK:
                return one
            last = str(answer.get("detail", f"/ready answers {status}"))
            # A refused model stays refused; any other reason may be temporary.
            if "refusal" in answer:
                raise NotReadyError(last)
        time.sleep(0.1)
    raise NotReadyError(f"waited {READY_TIMEOUT_S} s; last: {last}")


def _why_it_ended(log: Path) -> str:
    if (port := _port(log, "cannot listen")) is not None:
        return f"port {port} is held by {port_holder(port)}; stop that process first"
    last = log.read_text(encoding="utf-8").splitlines()[-10:]
    return "it ended; the end of its log:\n" + "\n".join(last)


def _ask(url: str) -> tuple[int, dict[str, Any]]:
    """The status of the answer and, for an error, its JSON; status 0 if nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return answer.status, {}
    except urllib.error.HTTPError as error:
        with error, contextlib.suppress(ValueError):
            return error.code, json.load(error)
        return error.code, {}
    except OSError:
        return 0, {}


def _port(log: Path, event: str) -> int | None:
    """The port in the log entry of an event."""
    for entry in _entries(log):
        if entry.get("event") == event:
            return int(entry["port"])
    return None


def _entries(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry
