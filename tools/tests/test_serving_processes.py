"""The processes of a server that is measured."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import (
    CommandFailedError,
    Process,
    Server,
    ServerEndedError,
    parse_pss,
    parse_stat,
    run,
    running,
    tree,
)

SERVING = Path(__file__).resolve().parents[2] / "bench" / "serving"
CORE = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# Two processes; the second ignores SIGTERM and outlives the first.
STUBBORN = """\
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(f"started-{os.getpid()}", "w").close()
while True:
    time.sleep(0.05)
"""


def _process(pid: int, parent: int, session: int) -> Process:
    return Process(pid, parent, session, cpu_ticks=0, started=0, ended=False)


def _server(folder: Path, code: str) -> Server:
    return Server(
        [sys.executable, "-c", code],
        dict(os.environ),
        core=CORE,
        log=folder / "log",
        folder=folder,
    )


def _wait(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def _started(folder: Path) -> set[int]:
    return {int(file.name.partition("-")[2]) for file in folder.glob("started-*")}


def _alive() -> set[int]:
    return {one.pid for one in running() if not one.ended}


def test_a_name_with_blanks_and_parentheses_does_not_shift_the_fields() -> None:
    numbers = [str(number) for number in range(4, 53)]
    text = f"17 (a) b (c)) S {' '.join(numbers)}"
    found = parse_stat(text)
    # Fields are counted from 1 in proc(5): 4 is the parent, 6 the session, 14 to 17 the CPU time
    # of the process and of its children that ended, 22 the start.
    assert found == Process(17, 4, 6, 14 + 15 + 16 + 17, 22, ended=False)
    assert parse_stat(text.replace(") S ", ") Z ")).ended


def test_memory_is_the_proportional_set_size_in_bytes() -> None:
    assert parse_pss("Rss:  9000 kB\nPss:                1234 kB\nPss_Anon: 1 kB\n") == 1234 * 1024
    assert parse_pss("") == 0


def test_a_tree_has_descendants_and_orphans_of_its_sessions() -> None:
    processes = [
        _process(1, 0, 1),
        _process(10, 1, 10),
        _process(11, 10, 10),
        _process(12, 11, 12),
        _process(13, 12, 12),
        _process(14, 1, 10),  # its parent has ended
        _process(15, 1, 12),  # the same, in the session of a descendant
        _process(20, 1, 20),
    ]
    assert {one.pid for one in tree(10, processes)} == {10, 11, 12, 13, 14, 15}


def test_cpu_time_is_that_of_all_processes(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    code = f"""\
import os, subprocess, sys, time
subprocess.run([sys.executable, "-c", {burn!r}], check=True)
child = subprocess.Popen([sys.executable, "-c", {burn!r} + "time.sleep(600)"])
{burn}
open("started-0", "w").close()
time.sleep(600)
"""
    with _server(tmp_path, code) as server:
        _wait(lambda: _started(tmp_path))
        # The ticks of a process are rounded down.
        _wait(lambda: server.cpu_seconds() >= 0.85)
        assert server.memory_bytes() > 2**20


def test_a_server_runs_on_its_core_and_the_caller_does_not(tmp_path: Path) -> None:
    own = os.sched_getaffinity(0)
    with _server(tmp_path, "import time; time.sleep(600)") as server:
        [member] = server.members()
        assert os.sched_getaffinity(member.pid) == {CORE}
    assert os.sched_getaffinity(0) == own


def test_a_process_that_ignores_the_end_of_its_parent_is_killed(tmp_path: Path) -> None:
    with _server(tmp_path, STUBBORN):
        _wait(lambda: len(_started(tmp_path)) == 2)
        pids = _started(tmp_path)
        assert pids <= _alive()
    assert not pids & _alive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_every_process(tmp_path: Path, number: signal.Signals) -> None:
    script = f"""\
        import os, sys
        from pathlib import Path
        sys.path.insert(0, {str(SERVING)!r})
        from processes import exit_on_signals, run
        exit_on_signals()
        command = [sys.executable, "-c", {STUBBORN!r}]
        folder = Path({str(tmp_path)!r})
        run(command, dict(os.environ), core=None, log=folder / "log", folder=folder)
    """
    bench = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    try:
        _wait(lambda: len(_started(tmp_path)) == 2)
        bench.send_signal(number)
        assert bench.wait(60) == 128 + number
    finally:
        bench.kill()
        bench.wait()
    assert not _started(tmp_path) & _alive()


def test_a_server_that_ends_by_itself_is_an_error_with_its_log(tmp_path: Path) -> None:
    with _server(tmp_path, "print('no model here'); raise SystemExit(3)") as server:
        _wait(lambda: not server.members())
        with pytest.raises(ServerEndedError, match="ended with 3: no model here"):
            server.check_alive()


def test_the_output_of_a_command_is_returned_or_its_failure_raised(tmp_path: Path) -> None:
    def output(code: str) -> str:
        command = [sys.executable, "-c", code]
        return run(command, dict(os.environ), core=CORE, log=tmp_path / "log", folder=tmp_path)

    assert output("print(3)") == "3\n"
    with pytest.raises(CommandFailedError, match="ended with 2: no wheel"):
        output("print('no wheel'); raise SystemExit(2)")
