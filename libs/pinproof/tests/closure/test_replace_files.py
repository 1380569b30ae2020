"""Several files are replaced together, with their modes and links."""

from pathlib import Path

import pytest
from pinproof.closure.replace_files import replace_files


def test_a_file_keeps_its_mode_and_its_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("old")
    path.chmod(0o640)

    replace_files({path: "new\r\n"})

    assert path.read_bytes() == b"new\r\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_target_of_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)

    replace_files({link: "new"})

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_an_error_before_the_first_renaming_changes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(FileNotFoundError):
        replace_files({path: "new", tmp_path / "absent" / "b.txt": "new"})

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
