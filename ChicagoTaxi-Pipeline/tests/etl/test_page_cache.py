"""What the kernel keeps of files that are read, asked of the kernel itself."""

import ctypes
import mmap
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from chicagotaxi.etl import page_cache
from chicagotaxi.etl.page_cache import passing_through
from servicekit.testing import wait_until
from trips import run, trip, write

SIZE = 4 * 2**20

pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fadvise"), reason="this system takes no advice on its page cache"
)


def cached_pages(path: Path) -> int:
    """How many of a file's pages the kernel keeps, by mincore(2)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE) as mapped:
        pages = np.zeros(-(-len(mapped) // mmap.PAGESIZE), dtype=np.uint8)
        view = ctypes.c_char.from_buffer(mapped)
        address = ctypes.c_void_p(ctypes.addressof(view))
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mincore(address, ctypes.c_size_t(len(mapped)), pages.ctypes)
        del view
        assert not failed, os.strerror(ctypes.get_errno())
    return int((pages & 1).sum())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is on disk, and in the cache."""
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(b"x" * SIZE)
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_pages(path):
        pytest.skip("the folder for temporary files is in memory")
    path.read_bytes()
    assert cached_pages(path) == SIZE // mmap.PAGESIZE
    return path


def test_input_larger_than_half_the_memory_does_not_stay_cached(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "_memory", lambda: 2 * SIZE - 1)
    with passing_through([file]):
        wait_until(lambda: cached_pages(file) == 0, "the file is forgotten")
        assert file.read_bytes() == b"x" * SIZE
        wait_until(lambda: cached_pages(file) == 0, "the file is forgotten again")
    file.read_bytes()
    assert cached_pages(file) == SIZE // mmap.PAGESIZE


def test_smaller_input_stays_cached(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advised: list[int] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: advised.append(1))
    monkeypatch.setattr(page_cache, "_memory", lambda: 2 * SIZE)
    monkeypatch.setattr(page_cache, "_PAUSE_S", 0.001)
    with passing_through([file]):
        os.sched_yield()
    assert not advised
    assert cached_pages(file) == SIZE // mmap.PAGESIZE


def test_etl_leaves_no_large_input_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "trips.csv", [trip("a")])
    with path.open("rb") as file:
        os.fsync(file.fileno())
    run(path, tmp_path / "out")
    if not cached_pages(path):
        pytest.skip("the folder for temporary files is not cached")
    monkeypatch.setattr(page_cache, "_memory", lambda: 1)
    run(path, tmp_path / "out")
    assert not cached_pages(path)


def test_a_missing_file_is_reported_by_its_reader(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "_memory", lambda: 1)
    monkeypatch.setattr(sys, "unraisablehook", pytest.fail)
    gone = tmp_path / "gone.csv"
    gone.write_text("x", encoding="utf-8")
    with passing_through([gone, file]):
        gone.unlink()
        wait_until(lambda: cached_pages(file) == 0, "the other file is forgotten")
