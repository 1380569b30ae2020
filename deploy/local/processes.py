"""Processes of this machine: which one a number means, and which one holds a port.

Read from Linux's ``/proc``, because slim images have no `ps`; asked of `ps` where there is no
``/proc``. Needs nothing but Python.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["port_holder", "start_time"]

PROC = Path("/proc")
_LISTENING = "0A"
_START_TIME = 22 - 3
"""Its place among the fields of ``/proc/PID/stat``, counted from the third, the state."""


def start_time(pid: int) -> str:
    """When a process started: with its number, this names one process for ever.

    Returns:
        An opaque text; empty if there is no such process, or if it has ended and its parent has not
        asked for its status.
    """
    if not (PROC / "self" / "stat").exists():
        return _start_time_by_ps(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_bytes().decode("latin-1")
    except OSError:
        return ""
    # The second field is the program's name in brackets, which may hold anything.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else f"{_boot()} {fields[_START_TIME]}"


def _boot() -> str:
    # Times are counted from the start of the machine.
    with contextlib.suppress(OSError):
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _start_time_by_ps(pid: int) -> str:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    state, _, started = printed.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def port_holder(port: int) -> str:
    """The process that listens on a TCP port, for people.

    Returns:
        Its number and command line; a description where another user's process holds the port.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in PROC.glob("[0-9]*"):
        # Other users' processes cannot be read, and any may end while it is looked at.
        with contextlib.suppress(OSError):
            if any(_link(one) in sockets for one in (folder / "fd").iterdir()):
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return f"process {folder.name} ({' '.join(words).strip()})"
    return "a process of another user"


def _link(path: Path) -> str:
    with contextlib.suppress(OSError):
        return str(path.readlink())
    return ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]
