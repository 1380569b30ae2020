"""Challengers that misbehave once they are open, in ways that a sealed model could."""

from pathlib import Path
from typing import Final

__all__ = ["FAULTS", "write_fault"]

FAULTS: Final = {
    "raises": "raise ValueError('no such leaf')",
    "slow": "time.sleep(0.5)",
    "hangs": "threading.Event().wait()",
    "spins": "while True: pass",
    "aborts": "os.abort()",
}
"""What a challenger does with rows before it answers them."""

_CODE: Final = """
import os, sys, threading, time

if "modelwatch.shadow" in sys.orig_argv:
    from modelwatch.shadow import worker

    opened = worker.open_challenger

    def open_challenger(challenger):
        sha256, answer = opened(challenger)

        def answer_badly(rows):
            {fault}
            return answer(rows)

        return sha256, answer_badly

    worker.open_challenger = open_challenger
"""


def write_fault(folder: Path, fault: str) -> Path:
    """Write what makes the process of a shadow misbehave, if the folder is in ``PYTHONPATH``.

    Args:
        folder: A folder, which is created.
        fault: One of `FAULTS`.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    # Python imports this module at the start of every process.
    code = _CODE.format(fault=FAULTS[fault])
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    return folder
