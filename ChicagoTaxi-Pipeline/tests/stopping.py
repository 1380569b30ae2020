"""Commands that are stopped while they work."""

import contextlib
import signal
from pathlib import Path

from servicekit.testing.commands import end_when


def stop_when(folder: Path, pattern: str, how: signal.Signals, *arguments: object) -> int:
    """Start a command of the service, and send a signal once a path is there; the exit code.

    Args:
        folder: In which a path matches the pattern once the command is at work.
        pattern: As `Path.glob` takes it.
        how: The signal.
        arguments: The command's.
    """
    return end_when("chicagotaxi", lambda: _is_there(folder, pattern), how, *arguments)


def _is_there(folder: Path, pattern: str) -> bool:
    # A folder that was made to see whether it can be may go while it is looked into.
    with contextlib.suppress(FileNotFoundError):
        return any(folder.glob(pattern))
    return False
