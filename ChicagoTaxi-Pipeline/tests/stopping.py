"""Commands that are stopped while they work."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Final

WAIT_S: Final = 120


def stop_when(folder: Path, pattern: str, how: signal.Signals, *arguments: object) -> int:
    """Start a command of the service, and send a signal once a path is there; the exit code.

    Args:
        folder: In which a path matches the pattern once the command is at work.
        pattern: As `Path.glob` takes it.
        how: The signal.
        arguments: The command's.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "chicagotaxi", *map(str, arguments)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        end = monotonic() + WAIT_S
        while not _is_there(folder, pattern):
            assert process.poll() is None, "the command ended before it was stopped"
            assert monotonic() < end, f"{pattern} did not appear"
            sleep(0.002)
        process.send_signal(how)
        return process.wait(WAIT_S)
    finally:
        process.kill()
        process.wait()


def _is_there(folder: Path, pattern: str) -> bool:
    # A folder that was made to see whether it can be may go while it is looked into.
    with contextlib.suppress(FileNotFoundError):
        return any(folder.glob(pattern))
    return False
