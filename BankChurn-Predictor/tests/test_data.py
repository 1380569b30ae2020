from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bankchurn.data import table_files as tables
from bankchurn.data.table import fingerprint, load_table
from bankchurn.data.table_files import TableWriter
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, TARGET, example
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servicekit.files import DataError

NAMED = (
    "RowNumber,CustomerId,Surname,CreditScore,Geography,Gender,Age,Tenure,Balance,NumOfProducts,"
    "HasCrCard,IsActiveMember,EstimatedSalary"
)
# Inputs of another declaration that the rows here do not name; they have their examples.
MORE = {name: str(one) for name, one in example().items() if name not in NAMED.split(",")}


def row(cells: str) -> str:
    """A row with its further inputs before the last cell, the outcome."""
    *inputs, outcome = cells.split(",")
    return ",".join([*inputs, *MORE.values(), outcome])


HEADER = ",".join([NAMED, *MORE, "Exited"])
STAYED = row("1,15634602,Hargrave,619,France,Female,42,2,0,1,1,1,101348.88,0")
LEFT = row("2,15647311,Hill,608,Spain,Female,41,1,83807.86,1,0,1,112542.58,1")

# Of what is no number at all, the message also says how numbers are written.
SPELLED = ", written as digits 0 to 9 with an optional sign, decimal point and exponent"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*lines: str, name: str = "churn.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return written


def refusal(path: Path, *, for_training: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        load_table(path, for_training=for_training)
    message = str(caught.value)
    assert str(path) in message
    return message.replace(str(path), "FILE")


def test_a_table_is_read_in_canonical_order_and_dtypes(write: Write) -> None:
    table = load_table(write(HEADER, STAYED, LEFT))
    assert table.columns.tolist() == [*FEATURES, TARGET]
    assert {str(name): str(table[name].dtype) for name in table.columns} == {
        **dict.fromkeys(CATEGORIES, "object"),
        **{
            name: "int64" if bounds.whole and not bounds.nullable else "float64"
            for name, bounds in NUMBERS.items()
        },
        TARGET: "int64",
    }
    assert str(table["CreditScore"].dtype) == "int64"
    assert str(table["Tenure"].dtype) == "float64"
    assert table[[name for name in table if name not in MORE]].iloc[1].tolist() == [
        608, "Spain", "Female", 41, 1.0, 83807.86, 1, 0, 1, 112542.58, 1,
    ]  # fmt: skip


def test_a_blank_tenure_and_whole_numbers_written_as_floats_are_accepted(write: Write) -> None:
    blank = row("3,1,Onio,502.0,France,Female,42.0,,159660.8,3.0,1.0,0.0,113931.57,1.0")
    table = load_table(write(HEADER, STAYED, blank))
    assert np.isnan(table["Tenure"].iloc[1])
    assert table["CreditScore"].tolist() == [619, 502]


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "churn.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{STAYED}\r\n{LEFT}\r\n".encode())
    assert len(load_table(path)) == 2


def test_identifiers_and_order_of_columns_do_not_matter(
    sample: pd.DataFrame, tmp_path: Path
) -> None:
    full, bare = tmp_path / "full.csv", tmp_path / "bare.csv"
    sample.to_csv(full, index=False)
    sample[[TARGET, *reversed(FEATURES)]].to_csv(bare, index=False)
    assert fingerprint(load_table(full)) == fingerprint(load_table(bare))


def test_parquet_and_csv_give_the_same_table(sample: pd.DataFrame, tmp_path: Path) -> None:
    sample.to_csv(tmp_path / "a.csv", index=False)
    with TableWriter(tmp_path / "a.parquet") as writer:
        writer.write_rows(sample.iloc[:700])
        writer.write_rows(sample.iloc[700:])
    pd.testing.assert_frame_equal(
        load_table(tmp_path / "a.csv"), load_table(tmp_path / "a.parquet")
    )


def test_the_fingerprint_changes_with_any_cell(sample: pd.DataFrame) -> None:
    changed = sample.copy()
    changed.loc[700, "Balance"] = 0.01
    assert fingerprint(sample) == fingerprint(sample.copy()) != fingerprint(changed)


def test_the_target_is_optional_where_it_is_not_needed(write: Write) -> None:
    header, row = HEADER.removesuffix(",Exited"), STAYED.removesuffix(",0")
    path = write(header, row)
    assert TARGET not in load_table(path, need_target=False)
    assert "FILE: the table lacks the column Exited." in refusal(path)


def test_missing_columns_are_all_named_with_those_whose_names_are_nearly_right(
    write: Write,
) -> None:
    header = HEADER.replace("Age", " age").replace("Balance", "Saldo").replace("HasCr", "has_cr_")
    assert refusal(write(header, STAYED)) == (
        "FILE: the table lacks the columns Age, Balance, HasCrCard. Rename ' age' to Age. Rename "
        f"'has_cr_Card' to HasCrCard. It must have {', '.join(FEATURES)}, Exited; other columns "
        "are ignored."
    )


# The first is what pandas writes with its index; "age" and "AGE" differ from Age only in case.
EXTRAS = ["", "Unnamed: 0", "age", "AGE", "churn_probability", "index", "rowid", "'; --", "é", "x"]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    order=st.permutations(HEADER.split(",")),
    extras=st.lists(st.sampled_from(EXTRAS), max_size=6),
    data=st.data(),
)
def test_other_columns_are_ignored_with_any_name_and_position(
    tmp_path: Path, order: list[str], extras: list[str], data: st.DataObject
) -> None:
    names = list(order)
    for extra in extras:
        names.insert(data.draw(st.integers(0, len(names))), extra)
    rows = []
    for line in (STAYED, LEFT):
        cells = dict(zip(HEADER.split(","), line.split(","), strict=True))
        rows.append(",".join(cells.get(name, "4_1") for name in names))
    path = tmp_path / "extra.csv"
    path.write_text("\n".join([",".join(names), *rows]))
    plain = tmp_path / "plain.csv"
    plain.write_text(f"{HEADER}\n{STAYED}\n{LEFT}")
    pd.testing.assert_frame_equal(
        load_table(path, for_training=True), load_table(plain, for_training=True)
    )


def test_parquet_may_have_other_columns_too(sample: pd.DataFrame, tmp_path: Path) -> None:
    with TableWriter(tmp_path / "a.parquet") as writer:
        writer.write_rows(sample.assign(age=7, AGE="x", index=pd.to_datetime(sample["CustomerId"])))
    sample.to_csv(tmp_path / "a.csv", index=False)
    pd.testing.assert_frame_equal(
        load_table(tmp_path / "a.parquet"), load_table(tmp_path / "a.csv")
    )


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_a_table_with_other_separators_says_which(write: Write, separator: str, name: str) -> None:
    path = write(HEADER.replace(",", separator), STAYED.replace(",", separator))
    assert refusal(path) == (
        f"FILE has {name} between its columns. Export it with commas between the columns and "
        "points in the numbers."
    )


@pytest.mark.parametrize("name", ["Tenure", "Exited", "CustomerId"])
def test_a_column_that_is_used_may_not_be_named_twice(write: Write, name: str) -> None:
    assert refusal(write(HEADER.replace("RowNumber", name), STAYED)) == (
        f"FILE: the header names '{name}' more than once. Keep one column of each name."
    )


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("CreditScore", "abc", f"a whole number from 300 to 850{SPELLED}"),
        ("CreditScore", "299", "a whole number from 300 to 850"),
        ("CreditScore", "600.5", "a whole number from 300 to 850"),
        ("CreditScore", "", "a whole number from 300 to 850"),
        ("Geography", "Italy", "one of France, Spain, Germany"),
        ("Geography", "", "one of France, Spain, Germany"),
        ("Gender", "female", "one of Female, Male"),
        ("Age", "nan", f"a whole number from 18 to 100{SPELLED}"),
        ("Tenure", "11", "a whole number from 0 to 10, or blank"),
        ("Tenure", "NA", f"a whole number from 0 to 10{SPELLED}, or blank"),
        ("Balance", "inf", f"a number from 0 to 1,000,000,000{SPELLED}"),
        ("Balance", "-1", "a number from 0 to 1,000,000,000"),
        ("Balance", "1.234,56", f"a number from 0 to 1,000,000,000{SPELLED}"),
        ("NumOfProducts", "5", "a whole number from 1 to 4"),
        ("HasCrCard", "2", "a whole number from 0 to 1"),
        ("Exited", "yes", f"0 (stayed) or 1 (left){SPELLED}"),
        ("Exited", "", "0 (stayed) or 1 (left)"),
    ],
)
def test_a_bad_value_is_named_by_column_row_and_value(
    write: Write, column: str, value: str, expected: str
) -> None:
    fields = LEFT.split(",")
    fields[HEADER.split(",").index(column)] = f'"{value}"' if "," in value else value
    message = refusal(write(HEADER, STAYED, ",".join(fields)))
    shown = f"'{value}'" if value else "blank"
    assert message == (
        "FILE: 1 row does not fit (rows are counted from 1, without the header):\n"
        f"  column {column} must be {expected}; row 2: {shown}\n"
        "Correct or remove these rows and run the command again. Nothing was written."
    )


def test_underscores_other_digits_and_nan_are_refused_each_cell_named(write: Write) -> None:
    path = write(
        ",".join([NAMED.removeprefix("RowNumber,CustomerId,Surname,"), *MORE]),
        ",".join(["619,France,Female,41,2,83807.86,1,1,1,1000", *MORE.values()]),
        ",".join(["619,France,Female,4_1,2,83_807.86,1,1,1,1_000", *MORE.values()]),
        ",".join(["619,France,Female,\uff14\uff11,nan,83807.86,1,1,1,1000", *MORE.values()]),
        ",".join(["619,France,Female,41,,83807.86,1,1,1,1000", *MORE.values()]),
    )
    with pytest.raises(DataError) as caught:
        load_table(path, need_target=False)
    assert str(caught.value) == (
        f"{path}: 2 rows do not fit (rows are counted from 1, without the header):\n"
        f"  column Age must be a whole number from 18 to 100{SPELLED}; row 2: '4_1', "
        "row 3: '\uff14\uff11'\n"
        f"  column Balance must be a number from 0 to 1,000,000,000{SPELLED}; row 2: '83_807.86'\n"
        f"  column EstimatedSalary must be a number from 0 to 1,000,000,000{SPELLED}; row 2: "
        "'1_000'\n"
        f"  column Tenure must be a whole number from 0 to 10{SPELLED}, or blank; row 3: 'nan'\n"
        "Correct or remove these rows and run the command again. Nothing was written."
    )


def test_the_list_of_bad_rows_is_bounded_and_counts_them_all(write: Write) -> None:
    bad = STAYED.replace("619", "0").replace("France", "Italy")
    lines = [bad.replace("15634602", str(identifier)) for identifier in range(1000)]
    message = refusal(write(HEADER, *lines))
    assert "1000 rows do not fit" in message
    assert "row 5: 'Italy' and 995 more" in message
    assert len(message) < 1000


def test_a_customer_that_occurs_twice_is_refused_for_training_only(write: Write) -> None:
    path = write(HEADER, STAYED, LEFT, STAYED)
    assert refusal(path, for_training=True) == (
        "FILE: CustomerId occurs again in 1 row; row 3: '15634602'\n"
        "A customer that is both trained on and held out makes the metrics too good. Keep one row "
        "per customer; if CustomerId does not identify customers, remove the column: nothing else "
        "uses it."
    )
    assert len(load_table(path)) == 3


def test_repeated_customers_are_counted_and_named_with_the_cells_that_do_not_fit(
    write: Write,
) -> None:
    message = refusal(
        write(HEADER, *[STAYED] * 8, LEFT.replace("Spain", "Italy")), for_training=True
    )
    assert "row 9: 'Italy'" in message
    assert "occurs again in 7 rows; row 2: '15634602', row 3: '15634602'" in message
    assert "row 6: '15634602' and 2 more\n" in message


def test_customers_without_an_identifier_are_not_one_customer(write: Write) -> None:
    unknown = STAYED.replace("15634602", "")
    path = write(HEADER, unknown, LEFT, unknown)
    assert len(load_table(path, for_training=True)) == 3


def test_a_table_with_one_outcome_can_be_measured(write: Write) -> None:
    assert load_table(write(HEADER, STAYED))[TARGET].tolist() == [0]


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv") == "FILE does not exist. Check the path."


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    assert refusal(tmp_path / "x.csv").startswith("FILE is not a file.")


def test_an_empty_file_is_refused(write: Write) -> None:
    assert refusal(write()).startswith("FILE is empty.")


@pytest.mark.parametrize("lines", [["", ""], [" "]])
def test_a_file_of_blank_lines_is_refused(write: Write, lines: list[str]) -> None:
    refusal(write(*lines))


def test_a_header_without_rows_is_refused(write: Write) -> None:
    assert refusal(write(HEADER, "")).startswith("FILE has a header but no rows.")


@pytest.mark.parametrize("extra", [[STAYED + ",9"], [STAYED, LEFT + ",9,9"]])
def test_a_row_with_more_fields_than_the_header_is_refused(write: Write, extra: list[str]) -> None:
    assert refusal(write(HEADER, *extra)).startswith("FILE is not a well-formed CSV file")


def test_a_row_with_fewer_fields_is_refused(write: Write) -> None:
    assert refusal(write(HEADER, STAYED, LEFT.removesuffix(",1"))) == (
        "FILE is not a well-formed CSV file: line 3: row 2 (counted from 1, without the header) "
        f"has {13 + len(MORE)} fields, the header {14 + len(MORE)}. Every row must have as many "
        "comma-separated fields as the header."
    )


def test_a_row_is_not_short_of_a_field_that_may_be_blank(write: Write) -> None:
    # Quoted line ends make the number of the line another than that of the row.
    names = [name for name in HEADER.split(",") if name != "Tenure"]
    whole = row('1,15634602,"Har\ngrave",619,France,Female,42,0,1,1,1,101348.88,0')
    header = ",".join([*names, "Tenure"])
    assert load_table(write(header, f"{whole},", f"{whole},3"))["Tenure"].isna().tolist() == [
        True,
        False,
    ]
    expected = f"line 7: row 3 (counted from 1, without the header) has {13 + len(MORE)} fields"
    assert expected in refusal(write(header, f"{whole},", f"{whole},3", whole))


def test_a_short_row_is_found_in_any_chunk(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.read_chunks, "__kwdefaults__", {"columns": None, "rows": 2})
    path = write(HEADER, *[STAYED] * 4, STAYED.removesuffix(",0"), STAYED)
    assert "row 5 (counted from 1" in refusal(path)


def test_blank_lines_do_not_count(write: Write) -> None:
    assert len(load_table(write("", HEADER, "", STAYED, "  ", LEFT, "", ""))) == 2


def test_a_quote_that_is_never_closed_is_refused(write: Write) -> None:
    refusal(write(HEADER, STAYED.replace("Hargrave", '"Hargrave'), LEFT))


def test_a_damaged_parquet_file_is_refused(write: Write) -> None:
    assert refusal(write("PAR1 no more", name="churn.parquet")).startswith(
        "FILE is not a readable Parquet file"
    )


@pytest.mark.parametrize(
    ("name", "blank"), [("Churn_Modelling.csv", 0), ("Churn_missing_tenure.csv", 909)]
)
def test_the_real_tables_are_accepted_unchanged(real_data: Path, name: str, blank: int) -> None:
    table = load_table(real_data / name)
    assert len(table) == 10_000
    assert table["Tenure"].isna().sum() == blank
    assert table[TARGET].mean() == pytest.approx(0.2037)
