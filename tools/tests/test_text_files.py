"""A text file is written whole or not at all."""

from pathlib import Path

import pytest
from text_files import replace_text


def test_a_file_and_its_folders_are_made(tmp_path: Path) -> None:
    replace_text(tmp_path / "reports" / "today" / "release.json", "Überblick\n")

    assert (tmp_path / "reports/today/release.json").read_bytes() == b"\xc3\x9cberblick\n"
    assert [one.name for one in (tmp_path / "reports/today").iterdir()] == ["release.json"]


def test_a_text_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "release.json"
    file.write_text("old")

    with pytest.raises(UnicodeEncodeError):
        replace_text(file, "\ud800")

    assert file.read_text() == "old"
