"""Puts a run's output in its place: month by month, each whole, whatever interrupts it.

A run writes into a hidden folder beside its output. When everything is there, a journal names what
is to be exchanged; until the journal is in place, the output is as it was, and from then on the
exchange is carried through: by the run itself or, where it was killed, by `recover`, which every
run begins with.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from modelseal.temporaries import exchange, remove_left
from servicekit.files import NewFile, make_folder, write_errors

from chicagotaxi.locks import AtWorkError, locked

__all__ = ["exchange_all", "recover", "settled", "staging"]

_JOURNAL: Final = ".journal.json"
_PREFIX: Final = ".staging-"
_NEW: Final = "new"
_OLD: Final = "old"


@contextlib.contextmanager
def staging(out: Path, run_id: str) -> Iterator[Path]:
    """A hidden folder for one run's output, beside its place.

    What an earlier run left is put in order first. On leaving, the folder is removed.

    Args:
        out: The output folder, made where it is not there.
        run_id: Names the run.

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
            # Once the journal is in place, what is left is `recover`'s, with the folder.
            if not (out / _JOURNAL).exists():
                shutil.rmtree(folder, ignore_errors=True)


def exchange_all(new: Path, places: Sequence[str]) -> None:
    """Put what a run wrote in its place.

    Args:
        new: The folder that `staging` gave.
        places: What is to be exchanged, files or folders, relative to it and to the output folder.
            The files of a folder must be named after the run.

    Raises:
        DataError: Something cannot be written. Before the journal is in place, nothing was
            exchanged; after, the next run carries the exchange through.
    """
    folder = new.parent
    out = folder.parent
    with write_errors(out):
        for place in places:
            for path in [new / place, *sorted((new / place).rglob("*"))]:
                _sync(path)
    journal = json.dumps({"staging": folder.name, "places": list(places)}).encode()
    with NewFile(out / _JOURNAL) as file:
        file.write(journal)
    _recover(out)


def recover(out: Path) -> None:
    """Carry through an exchange that was interrupted, and remove what killed runs left.

    Does nothing while a run is at work.
    """
    if out.is_dir():
        with contextlib.suppress(AtWorkError), locked(out):
            _recover(out)


@contextlib.contextmanager
def settled(out: Path) -> Iterator[None]:
    """Hold an output folder in which no exchange is half done, so that it is read as a whole.

    Raises:
        DataError: A run is at work, or the folder cannot be written.
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
    """Exchange one file or folder. May be repeated after an interruption at any point."""
    new, target, old = folder / _NEW / place, out / place, folder / _OLD / place
    run_id = folder.name.removeprefix(_PREFIX)
    if not new.exists() or (target.is_dir() and any(target.glob(f"{run_id}-*"))):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        if exchange(new, target):
            return
        # Without the system's help there is a moment in which the month is not there.
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
