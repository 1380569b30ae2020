"""Starts programs that the system ends when this process ends, even if it is killed.

Otherwise they would go on writing into folders that the next run removes.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

# From `man 2 prctl`.
_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(command: Sequence[str]) -> list[str]:
    """The command line that starts a program which ends with this process.

    Only Linux can end it. Elsewhere, the command is returned as it is.

    Args:
        command: The program, as an absolute path, and its arguments.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _replace_process(parent: str, *command: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # The parent may have ended before the call.
    if os.getppid() == int(parent):
        try:
            os.execv(command[0], command)  # noqa: S606 - the program that the parent chose
        except OSError as error:
            sys.exit(f"{command[0]} cannot be started ({error.strerror})")


if __name__ == "__main__":
    _replace_process(*sys.argv[1:])
