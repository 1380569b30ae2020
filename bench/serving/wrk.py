"""Loads a server with wrk, an HTTP client written in C, and reads what it measured."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processes import on_core

# wrk calls `response` for every answer, and `done` at the end. Each thread has its own `bad`.
_SCRIPT: Final = """\
wrk.method = {method}
wrk.body = {body}
{headers}
bad = 0
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
function response(status) if status ~= 200 then bad = bad + 1 end end
function done(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("bad") end
  local e = summary.errors
  io.write(string.format(
    '\\nmeasured {{"requests": %d, "seconds": %.6f, "p50_ms": %.6f, "p99_ms": %.6f, '
    .. '"not_200": %d, "failed": %d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, wrong, e.connect + e.read + e.write + e.timeout))
end
"""
_MARK: Final = "measured "
_TIMEOUT_S: Final = 60


class LoadError(Exception):
    """Answers were not 200, connections failed, or wrk itself did."""


class NoAnswerError(LoadError):
    """No request was answered while wrk ran."""


@dataclass(frozen=True)
class Request:
    """One request, sent repeatedly.

    Attributes:
        method: HTTP method.
        path: Path with its query.
        body: JSON value of the body; None for a request without one.
        headers: Further headers.
    """

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]

    def encoded(self) -> bytes | None:
        """The bytes of the body."""
        return None if self.body is None else json.dumps(self.body).encode()

    def all_headers(self) -> dict[str, str]:
        """The headers, with the type of the body."""
        return {
            **self.headers,
            **({} if self.body is None else {"Content-Type": "application/json"}),
        }


@dataclass(frozen=True)
class Load:
    """What wrk measured.

    Attributes:
        requests: Number of answers.
        seconds: Duration.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float


def script(request: Request) -> str:
    """The script for wrk that sends a request and prints the result as JSON."""
    body = request.encoded()
    headers = "\n".join(
        f"wrk.headers[ {_quoted(name)} ] = {_quoted(value)}"
        for name, value in request.all_headers().items()
    )
    return _SCRIPT.format(
        method=_quoted(request.method),
        body="nil" if body is None else _quoted(body.decode()),
        headers=headers,
    )


def parse(output: str) -> Load:
    """Read what the script printed.

    Raises:
        NoAnswerError: There was no answer in the time.
        LoadError: It printed nothing, or an answer was not 200, or a connection failed.
    """
    marked = [line for line in output.splitlines() if line.startswith(_MARK)]
    if not marked:
        raise LoadError(f"wrk printed no result: {' '.join(output.split())[-200:]}")
    found = json.loads(marked[-1].removeprefix(_MARK))
    not_200, failed = found.pop("not_200"), found.pop("failed")
    if not_200 or failed:
        raise LoadError(
            f"{not_200} of {found['requests']} answers were not 200, and {failed} requests failed"
        )
    if not found["requests"]:
        raise NoAnswerError(f"no answer within {found['seconds']:.0f} s")
    return Load(**found)


def run(
    wrk: Path, request: Request, port: int, *, connections: int, seconds: int, core: int, work: Path
) -> Load:
    """Send a request on every connection as fast as answers come.

    Args:
        wrk: The program.
        request: The request.
        port: Port on the loopback interface.
        connections: Number of persistent connections.
        seconds: Duration.
        core: The core that wrk runs on.
        work: Folder for the script.

    Raises:
        LoadError: An answer was not 200, or a connection failed.
    """
    path = work / "request.lua"
    path.write_text(script(request), "utf-8")
    with on_core(core):
        ended = subprocess.run(  # noqa: S603 - the program that make installed
            [
                str(wrk),
                *("--threads", "1", "--connections", str(connections)),
                *("--duration", f"{seconds}s", "--timeout", f"{_TIMEOUT_S}s"),
                *("--script", str(path), f"http://127.0.0.1:{port}{request.path}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds + 2 * _TIMEOUT_S,
        )
    return parse(ended.stdout)


def version(wrk: Path) -> str:
    """The version that wrk prints."""
    shown = subprocess.run(  # noqa: S603 - the program that make installed
        [str(wrk), "--version"], stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    return shown.partition(" [")[0]


def _quoted(text: str) -> str:
    """A text as a Lua string."""
    level = "="
    while f"]{level}" in text:
        level += "="
    return f"[{level}[{text}]{level}]"
