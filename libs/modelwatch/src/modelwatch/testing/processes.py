"""The processes that a process has started, from ``/proc``."""

from pathlib import Path

__all__ = ["children_of", "is_alive"]


def children_of(pid: int) -> list[int]:
    """The running processes whose parent is a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(path)
        if fields and int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs. A zombie has ended, and only waits for its parent."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return bool(fields) and fields[0] != "Z"


def _fields(path: Path) -> list[str]:
    """The state of a process and what follows it; empty if the process has ended."""
    try:
        return path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
