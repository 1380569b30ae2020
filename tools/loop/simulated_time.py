"""Runs a module of Python under a clock that another program sets.

``python -P simulated_time.py CLOCK MODULE ARGUMENTS...`` is ``python -m MODULE ARGUMENTS...``, but
for `time.time` and `time.time_ns`: they are the time in the file CLOCK, which `clock.Clock` sets.
Prediction logs, truth and reports take the time from them. Everything that waits takes the
monotonic clock, which is the machine's.
"""

import mmap
import runpy
import signal
import sys
import time
from pathlib import Path
from struct import unpack


def main() -> None:
    """Run the module that the command line names."""
    # The caller may have held them back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    _, clock, module, *arguments = sys.argv
    with Path(clock).open("rb") as file:
        set_time = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)

    def seconds() -> float:
        found: float = unpack("d", set_time[:8])[0]
        return found

    time.time = seconds
    time.time_ns = lambda: round(seconds() * 1e9)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
