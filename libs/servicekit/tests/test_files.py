import errno
import os
from pathlib import Path

import pytest
from servicekit.files import (
    DataError,
    NewFile,
    check_writable,
    sha256_of_file,
    write_errors,
    write_file,
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_replaces_another_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with NewFile(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert contents(tmp_path) == {"a.txt": b"new"}


def test_a_file_whose_writing_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with NewFile(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert contents(tmp_path) == {"a.txt": b"old"}


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_file_is_as_readable_as_the_umask_says(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with NewFile(tmp_path / "a.txt"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device. Make room"),
        (errno.EACCES, "Permission denied. Give a place in a folder"),
        (errno.EROFS, "Read-only file system. Give a place in a folder"),
        (errno.ENAMETOOLONG, "File name too long. Give a shorter name"),
    ],
)
def test_the_remedy_fits_the_reason(number: int, remedy: str) -> None:
    with pytest.raises(DataError, match=remedy), write_errors(Path("out.csv")):
        raise OSError(number, os.strerror(number))


def test_a_folder_in_the_place_is_refused_before_there_is_anything_to_write(
    tmp_path: Path,
) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(DataError, match=r"out\.csv is a folder\. Give the name of a file\."):
        NewFile(tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written: Not a directory"):
        NewFile(tmp_path / "file" / "out.csv")


def test_a_file_is_written_in_one_call(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    write_file(tmp_path / "a.txt", b"new")
    assert contents(tmp_path) == {"a.txt": b"new"}


def test_checking_that_a_file_can_be_written_leaves_no_trace(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.txt")
    assert contents(tmp_path) == {}
    with pytest.raises(DataError, match="Give the name of a file"):
        check_writable(tmp_path)


def test_the_digest_of_a_file_is_that_of_its_contents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc")
    assert (
        sha256_of_file(tmp_path / "a.txt")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
