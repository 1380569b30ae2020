import io
from pathlib import Path

import pytest
from servicekit.csv_files import MAX_ROW, read_csv
from servicekit.files import DataError


def rows(text: str) -> list[tuple[int, list[str]]]:
    return list(read_csv(Path("a.csv"), io.StringIO(text, newline="")))


def test_rows_come_with_the_numbers_of_their_last_lines() -> None:
    assert rows('a,b\r\n1,"two\nlines"\n\n3,\n') == [
        (1, ["a", "b"]),
        (3, ["1", "two\nlines"]),
        (4, []),
        (5, ["3", ""]),
    ]


def test_an_empty_file_has_no_rows() -> None:
    assert rows("") == []


def test_a_row_of_the_maximum_length_is_read() -> None:
    longest = "x" * (MAX_ROW - 1)

    assert rows(f"a\n{longest}\n") == [(1, ["a"]), (2, [longest])]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("x" * (MAX_ROW + 1), "after row 0"),
        ("a\nb\n" + "x" * (MAX_ROW + 1), "after row 1"),
        ('a\nb\n"' + "x\n" * MAX_ROW, "after row 1"),
    ],
    ids=["header", "row", "open quote"],
)
def test_a_longer_row_is_refused_with_its_place(text: str, where: str) -> None:
    with pytest.raises(DataError, match=rf"^a\.csv, {where}: the row is longer than 1,048,576 "):
        rows(text)


def test_a_quote_in_a_wrong_place_is_refused_with_its_line() -> None:
    with pytest.raises(DataError, match=r"^a\.csv is not a well-formed CSV file: line 3, after ro"):
        rows('a\n"b"\n"c"d\n')
