"""Which process a number means, as /proc and as ps say it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import processes
import pytest
from needed import program


def by_proc(_: pytest.MonkeyPatch) -> None:
    assert Path("/proc/self/stat").exists()


def by_ps(patch: pytest.MonkeyPatch) -> None:
    program("ps")
    patch.setattr(processes, "PROC", Path("/nonexistent"))


@pytest.mark.parametrize("how", [by_proc, by_ps])
def test_a_process_is_named_until_it_ends(
    how: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    how(monkeypatch)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as other:
        first = processes.start_time(other.pid)
        assert first
        assert processes.start_time(other.pid) == first
        other.kill()
        # Not asked for its status yet, and ended all the same.
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert processes.start_time(other.pid) == ""
    assert processes.start_time(other.pid) == ""


def test_a_port_that_nobody_holds_is_nobodys_of_ours() -> None:
    assert processes.port_holder(0) == "a process of another user"
