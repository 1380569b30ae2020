"""Kinds of paths, and impossible paths."""

import errno
import os
import socket
from pathlib import Path

import pytest
from modelseal.path_kinds import follow, kind_of, make_folder, printable


def test_the_kind_of_a_path_is_that_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("missing")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        found = {path.name: kind_of(path) for path in tmp_path.iterdir()}

    assert found == {
        "file": "file",
        "link": "file",
        "dangling": None,
        "pipe": "pipe",
        "socket": "socket",
    }
    assert kind_of(tmp_path) == "folder"
    assert kind_of(Path("/dev/null")) == "device"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("x" * 256, errno.ENAMETOOLONG),
        ("missing/" + "x" * 256, errno.ENAMETOOLONG),
        ("/".join(["x" * 100] * 41), errno.ENAMETOOLONG),
        ("a\0b", errno.EINVAL),
        ("loop", errno.ELOOP),
        ("loop/inside", errno.ELOOP),
        ("file/inside", errno.ENOTDIR),
    ],
)
def test_an_impossible_path_is_an_os_error_before_anything_is_created(
    tmp_path: Path, name: str, number: int
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    before = set(tmp_path.iterdir())
    for ask in (kind_of, follow, make_folder):
        with pytest.raises(OSError, match=r".") as refused:
            ask(tmp_path / name)
        # mkdir fails with EEXIST for a link, even for one to itself.
        assert refused.value.errno in {number, errno.EEXIST}
    assert set(tmp_path.iterdir()) == before


def test_an_output_path_that_is_a_link_is_replaced_by_its_target(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("there/out.csv")

    assert follow(tmp_path / "one") == tmp_path / "there" / "out.csv"
    assert follow(tmp_path / "plain.csv") == tmp_path / "plain.csv"


@pytest.mark.parametrize(
    ("raw", "text"), [(b"caf\xc3\xa9.csv", "café.csv"), (b"caf\xe9.csv", "caf\\xe9.csv")]
)
def test_a_printable_name_is_valid_utf8(raw: bytes, text: str) -> None:
    assert printable(os.fsdecode(raw)) == text
    assert printable(Path(os.fsdecode(raw))).encode().decode() == text
