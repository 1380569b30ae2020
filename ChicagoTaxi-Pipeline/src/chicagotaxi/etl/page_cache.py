"""Large inputs pass through the kernel's page cache without filling it."""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_PAUSE_S: Final = 0.1


@contextlib.contextmanager
def passing_through(paths: Sequence[Path]) -> Iterator[None]:
    """Have the kernel forget files while they are read, where they are too large to stay cached.

    Input that fits is best left where it is, for who reads it next. Of more than that only the end
    is left; each of its pages costs one that another process may need, and on a virtual machine
    one that the host must find, which takes longer than to read it.

    Args:
        paths: The files that are read in the block, from their beginning to their end.
    """
    size = sum(path.stat().st_size for path in paths)
    # Not every system takes this advice, and none has to.
    if not hasattr(os, "posix_fadvise") or size <= _memory() // 2:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_forget_until, args=(done, paths), name="page-cache")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _forget_until(done: threading.Event, paths: Sequence[Path]) -> None:
    while not done.wait(_PAUSE_S):
        _forget(paths)
    _forget(paths)


def _forget(paths: Sequence[Path]) -> None:
    for path in paths:
        # What cannot be opened is the reader's to tell.
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
