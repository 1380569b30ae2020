"""Publishes a run's output month by month, each completely or not at all, even after a kill.

A run writes into a hidden folder inside the output folder. When it is complete, a journal lists the
files and folders to exchange. Before the journal is written, the output is unchanged. Afterwards
the exchange is completed: by the run itself or, if it was killed, by `recover`, with which every
run begins.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from modelseal.temporary_outputs import exchange, remove_left
from servicekit.files import make_folder, write_errors, write_file

from chicagotaxi.locks import LockedError, locked

_JOURNAL: Final = ".journal.json"
_PREFIX: Final = ".staging-"
_NEW: Final = "new"
_OLD: Final = "old"


@contextlib.contextmanager
def staging(out: Path, run_id: str) -> Iterator[Path]:
    """A hidden folder for one run's output, removed at the end of the block.

    An interrupted exchange of an earlier run is completed first.

    Yields:
        The folder.

    Raises:
        DataError: Another run writes to the output folder, or it cannot be written.
    """
    make_folder(out)
    with locked(out):
        _recover(out)
        folder = out / f"{_PREFIX}{run_id}"
        with write_errors(folder):
            (folder / _NEW).mkdir(parents=True)
        try:
            yield folder / _NEW
        finally:
            # If the journal is still there, `recover` needs the folder.
            if not (out / _JOURNAL).exists():
                shutil.rmtree(folder, ignore_errors=True)


def publish(new: Path, places: Sequence[str]) -> None:
    """Move a run's output to its place.

    Args:
        new: The folder of `staging`.
        places: Files and folders to exchange, relative to it and to the output folder. The names
            of a folder's files must begin with the run's name.

    Raises:
        DataError: Something cannot be written. Before the journal is written, the output is
            unchanged; afterwards, the next run completes the exchange.
    """
    folder = new.parent
    out = folder.parent
    with write_errors(out):
        for place in places:
            for path in [new / place, *sorted((new / place).rglob("*"))]:
                _sync(path)
    journal = json.dumps({"staging": folder.name, "places": list(places)}).encode()
    write_file(out / _JOURNAL, journal)
    _recover(out)


def recover(out: Path) -> None:
    """Complete an interrupted exchange, and remove the files of killed runs.

    Does nothing while another run holds the lock.
    """
    if out.is_dir():
        with contextlib.suppress(LockedError), locked(out):
            _recover(out)


@contextlib.contextmanager
def settled(out: Path) -> Iterator[None]:
    """Lock an output folder whose exchanges are complete, so that it is read as a whole.

    Raises:
        DataError: Another run holds the lock, or the folder cannot be written.
    """
    with locked(out):
        _recover(out)
        yield


def _recover(out: Path) -> None:
    journal = out / _JOURNAL
    with write_errors(out):
        if journal.is_file():
            plan = json.loads(journal.read_bytes())
            folder = out / plan["staging"]
            for place in plan["places"]:
                _put(out, folder, place)
            _sync(out)
            journal.unlink()
        for left in out.glob(f"{_PREFIX}*"):
            shutil.rmtree(left)
        remove_left(journal)


def _put(out: Path, folder: Path, place: str) -> None:
    """Exchange one file or folder. Can be repeated after an interruption at any point."""
    new, target, old = folder / _NEW / place, out / place, folder / _OLD / place
    run_id = folder.name.removeprefix(_PREFIX)
    if not new.exists() or (target.is_dir() and any(target.glob(f"{run_id}-*"))):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        if exchange(new, target):
            return
        # If the system cannot exchange folders, the month is missing for a moment.
        old.parent.mkdir(parents=True, exist_ok=True)
        target.rename(old)
    new.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
