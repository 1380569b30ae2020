import gzip
from pathlib import Path

import numpy as np
import pytest
from {{ package }}.data import PIECE_ROWS, load_table, open_table
from {{ package }}.schema import FEATURES, TARGET
from servicekit.files import DataError
from servicekit.numbers import GRAMMAR

HEADER = ",".join([*FEATURES, TARGET])
ROW = "49.9,14,2,400,web,0"


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "in.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    header = f"note,{TARGET},channel,account_days,items,hour,amount"
    path = write(tmp_path, "x,1,phone,,2, 3 ,4e1", "y,0,web,7,1,0,.5", header=header)
    table = load_table(path)
    np.testing.assert_array_equal(table.values, [[40, 3, 2, np.nan, 2], [0.5, 0, 1, 7, 0]])
    np.testing.assert_array_equal(table.target, [1, 0])


def test_every_invalid_cell_is_named_with_its_row_and_what_is_expected(tmp_path: Path) -> None:
    path = write(tmp_path, ROW, "-1,14.5,,400,web,0", "1_0,14,2,NA,Web,2")
    account = "a whole number from 0 to 36,500, or blank"
    with pytest.raises(DataError) as caught:
        load_table(path)
    assert str(caught.value).splitlines() == [
        f"{path}: 2 rows do not fit (rows are counted from 1, without the header):",
        "  column amount must be a number from 0 to 1,000,000; row 2: '-1'",
        "  column hour must be a whole number from 0 to 23; row 2: '14.5'",
        "  column items must be a whole number from 1 to 1,000; row 2: blank",
        f"  column amount must be a number from 0 to 1,000,000, written as {GRAMMAR}; row 3: '1_0'",
        f"  column account_days must be {account}, written as {GRAMMAR}; row 3: 'NA'",
        "  column channel must be one of web, app, phone; row 3: 'Web'",
        f"  column {TARGET} must be 0 or 1; row 3: '2'",
        "Correct or remove these rows and run the command again. Nothing was written.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (f"{HEADER}\n", "has a header but no rows"),
        ("hour,items\n1,2\n", "lacks amount, account_days, channel"),
        (f"{HEADER},hour\n{ROW},3\n", "names hour more than once"),
        (f"{HEADER}\n{ROW},9\n", "line 2: row 1 .* has 7 fields, the header 6"),
        (HEADER.replace(",", ";") + "\n", "has semicolons between its columns"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load_table(path)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(f"{HEADER},note\n{ROW},caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8: byte 0xe9"):
        load_table(path)


def test_a_compressed_table_is_the_same_table(tmp_path: Path) -> None:
    plain = write(tmp_path, ROW, "1,2,3,4,app,1")
    packed = tmp_path / "in.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert load_table(packed).fingerprint() == load_table(plain).fingerprint()


def test_rows_are_counted_over_all_pieces(tmp_path: Path) -> None:
    path = write(tmp_path, *[ROW] * (2 * PIECE_ROWS), "49.9,99,2,400,web,0")
    with open_table(path, need_target=False) as (_, pieces):
        assert [len(piece.records) for piece in pieces] == [PIECE_ROWS, PIECE_ROWS, 0]
    with pytest.raises(DataError, match=f"row {2 * PIECE_ROWS + 1}: '99'"):
        load_table(path)
