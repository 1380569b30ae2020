"""Loads a server with wrk, an HTTP client written in C, and reads what it measured."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processes import on_core

# Lua for wrk. It calls `request` once to look at the request, before it opens its connections, and
# then for each request; `done` at the end.
#
# All connections are opened at once, but an event loop accepts one in each of its turns. Without a
# pause, the turns fill with the requests of the first connections, and the last wait for seconds.
# So the second call waits, until the server, which is idle meanwhile, has accepted all.
_SCRIPT: Final = """\
wrk.method = {method}
wrk.body = {body}
{headers}
local ffi = require("ffi")
ffi.cdef("int poll(void *, unsigned long, int);")
local calls = 0
local same
function request()
  calls = calls + 1
  if calls == 1 then same = wrk.format() end
  if calls == 2 then ffi.C.poll(nil, 0, {pause_ms}) end
  return same
end
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
{watch}
function done(summary, latency)
  local not_200 = 0
  for _, thread in ipairs(threads) do not_200 = not_200 + (thread:get("not_200") or 0) end
  local e = summary.errors
  io.write(string.format(
    '\\nmeasured {{"requests": %d, "bytes": %d, "seconds": %.6f, "p50_ms": %.6f, '
    .. '"p99_ms": %.6f, "not_200": %d, "failed": %d}}\\n',
    summary.requests, summary.bytes, summary.duration / 1e6 - {pause_ms} / 1e3,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    math.max(not_200, e.status), e.connect + e.read + e.write + e.timeout))
end
"""
# Looks at the status of every answer. It takes the client longer than the answer, so that it is
# used in warm-ups only. wrk itself counts answers with 400 and above.
_WATCH: Final = """\
not_200 = 0
function response(status) if status ~= 200 then not_200 = not_200 + 1 end end
"""
_PAUSE_S: Final = 1
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
        bytes: Number of bytes of the answers.
        seconds: Duration, from the first request on.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
        not_200: Number of answers with 400 and above; where every status is watched, other than
            200.
        failed: Number of connections that failed, and of answers that took longer than a minute.
    """

    requests: int
    bytes: int
    seconds: float
    p50_ms: float
    p99_ms: float
    not_200: int
    failed: int

    def check(self) -> None:
        """Check that every request was answered with 200.

        Raises:
            LoadError: One was not.
        """
        if self.not_200 or self.failed:
            raise LoadError(
                f"{self.not_200} of {self.requests} answers were not 200, and {self.failed} "
                "requests failed"
            )


def script(request: Request, *, every_status: bool = False) -> str:
    """The script for wrk that sends a request and prints the result as JSON.

    Args:
        request: The request.
        every_status: Whether to count all answers other than 200.
    """
    body = request.encoded()
    headers = "\n".join(
        f"wrk.headers[ {_quoted(name)} ] = {_quoted(value)}"
        for name, value in request.all_headers().items()
    )
    return _SCRIPT.format(
        method=_quoted(request.method),
        body="nil" if body is None else _quoted(body.decode()),
        headers=headers,
        watch=_WATCH if every_status else "",
        pause_ms=_PAUSE_S * 1000,
    )


def parse(output: str) -> Load:
    """Read what the script printed.

    Raises:
        NoAnswerError: There was no answer in the time.
        LoadError: It printed nothing.
    """
    marked = [line for line in output.splitlines() if line.startswith(_MARK)]
    if not marked:
        raise LoadError(f"wrk printed no result: {' '.join(output.split())[-200:]}")
    found = json.loads(marked[-1].removeprefix(_MARK))
    if not found["requests"]:
        raise NoAnswerError(f"no answer within {found['seconds']:.0f} s")
    return Load(**found)


def run(
    wrk: Path,
    request: Request,
    port: int,
    *,
    connections: int,
    seconds: int,
    core: int,
    work: Path,
    every_status: bool = False,
) -> Load:
    """Open all connections, and send a request on each as fast as answers come.

    Args:
        wrk: The program.
        request: The request.
        port: Port on the loopback interface.
        connections: Number of persistent connections.
        seconds: Duration.
        core: The core that wrk runs on.
        work: Folder for the script.
        every_status: Whether to count all answers other than 200, which slows the client down.

    Raises:
        LoadError: There was no answer, or wrk failed.
    """
    path = work / "request.lua"
    path.write_text(script(request, every_status=every_status), "utf-8")
    with on_core(core):
        ended = subprocess.run(  # noqa: S603 - the program that make installed
            [
                str(wrk),
                *("--threads", "1", "--connections", str(connections)),
                *("--duration", f"{seconds + _PAUSE_S}s", "--timeout", f"{_TIMEOUT_S}s"),
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
