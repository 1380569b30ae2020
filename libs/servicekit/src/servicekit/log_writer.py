"""Writes log lines in a thread, so that no request waits or fails because of them."""

import contextlib
import errno
import os
import threading
from collections import deque
from typing import Final

# Seconds between two writes. Waking the writer for each line would cost more than the line.
_PAUSE_S: Final = 0.05


class LogWriter:
    """A stream whose lines a thread writes to a file descriptor.

    If the descriptor accepts no lines (a full pipe, a full disk, a closed reader), they wait in
    bounded memory; further ones are dropped and counted. Each time that writing starts to fail, one
    line goes to standard error.

    Args:
        descriptor: The file descriptor, which stays open.
        max_bytes: The most bytes that wait.

    Attributes:
        dropped: Number of lines that were not written.
    """

    def __init__(self, descriptor: int, *, max_bytes: int = 4 * 2**20) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue one or more complete lines."""
        line = text.encode(errors="backslashreplace")
        with self._lock:
            if self._bytes + len(line) > self._max_bytes:
                self.dropped += 1
                return
            self._bytes += len(line)
            self._lines.append(line)

    def flush(self) -> None:
        """Do nothing: lines are written by the thread."""

    def close(self, timeout_s: float = 2.0) -> None:
        """Write the waiting lines, for at most some seconds, and end."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.wait(_PAUSE_S):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, deque()
        if not lines:
            return
        batch = b"".join(lines)
        written = self._write(batch)
        with self._lock:
            self._bytes -= len(batch)
            self.dropped += batch[written:].count(b"\n")

    def _write(self, batch: bytes) -> int:
        """Write a batch; the number of bytes written."""
        # End a line that was cut off.
        cut = b"\n" if self._failing else b""
        view, written = memoryview(cut + batch), 0
        while written < len(view):
            try:
                written += os.write(self._descriptor, view[written:])
            except OSError as error:
                if error.errno == errno.EAGAIN and not self._closing.wait(_PAUSE_S):
                    continue
                self._tell(error)
                return max(written - len(cut), 0)
        self._failing = False
        return len(batch)

    def _tell(self, error: OSError) -> None:
        if not self._failing:
            self._failing = True
            with contextlib.suppress(OSError):
                os.write(2, f"log lines are dropped: {error.strerror}\n".encode())
