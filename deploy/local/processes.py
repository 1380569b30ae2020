"""Start times of processes, and the processes that listen on ports.

Reads ``/proc`` on Linux, because slim images have no `ps`; runs `ps` elsewhere.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["port_holder", "start_time"]

PROC = Path("/proc")
_LISTENING = "0A"
_START_TIME = 22 - 3
"""Index of the start time in ``/proc/PID/stat``, counted from the third field, the state."""


def start_time(pid: int) -> str:
    """When a process started; together with its number, this identifies the process.

    Returns:
        An opaque text; empty if the process does not exist or is a zombie.
    """
    if not (PROC / "self" / "stat").exists():
        return _start_time_by_ps(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_bytes().decode("latin-1")
    except OSError:
        return ""
    # The second field is the name of the program in brackets, which may contain any character.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else f"{_boot()} {fields[_START_TIME]}"


def _boot() -> str:
    # Start times count from the start of the machine.
    with contextlib.suppress(OSError):
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _start_time_by_ps(pid: int) -> str:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    state, _, started = printed.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def port_holder(port: int) -> str:
    """Describe the process that listens on a TCP port.

    Returns:
        Its number and command line, or a text if it belongs to another user.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in PROC.glob("[0-9]*"):
        # Processes of other users cannot be read, and any process may end meanwhile.
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
