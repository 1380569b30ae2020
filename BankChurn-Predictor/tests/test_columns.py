"""Cells of one column: the grammar of numbers, and what is not a number."""

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from bankchurn.data.columns import read_column
from hypothesis import example, given
from hypothesis import strategies as st


def wrong(cells: "list[object] | pd.Series[int]", name: str = "Balance") -> list[str]:
    column = read_column(pd.Series(cells, name=name), name)
    return [f"{error.row}: {error.value}" for error in column.errors]


NOT_NUMBERS = [
    "4_1", "83_807.86", "\uff14\uff11", "\u0664\u0661", "4\u00a01", "nan", "NaN", "inf", "-inf",
    "Infinity", "0x1F",
    "1e", "e5", "1.2.3", "1,000", "1.000,5", "'41", "$41", "41%", "41f", "1e400", "--1", "+-1", ".",
    "+", "NA", "N/A", "null", "None", "-", " ", "\t41", "41\n", "½", "1²", "True",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_NUMBERS)
@pytest.mark.parametrize("name", ["Balance", "Tenure"])
def test_text_that_is_not_a_number_is_named_and_never_read_as_one(text: str, name: str) -> None:
    assert wrong([text, "4"], name) == [f"0: {text!r}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("41", 41), ("+41", 41), ("041", 41), ("41.", 41), (".5", 0.5), ("0.5", 0.5), ("4.1e1", 41),
        ("41E0", 41), ("410e-1", 41), (" 41 ", 41), ("-0", 0), ("83807.86", 83807.86),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_forms_that_are_documented(text: str, value: float) -> None:
    column = read_column(pd.Series([text], name="Balance"), "Balance")
    assert column.errors == []
    assert column.canonical.tolist() == [value]


@given(text=st.text(alphabet="0123456789+-.eE_ ,\u0664\uff14nafix'\u00a0", max_size=8))
@example(text="1_0")
def test_a_cell_is_a_number_exactly_by_the_grammar(text: str) -> None:
    grammar = r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *"
    number = float(text) if re.fullmatch(grammar, text) else None
    fits = number is not None and 0 <= number <= 1e9
    found = read_column(pd.Series([text], name="Balance", dtype=object), "Balance")
    assert (found.errors == []) == fits
    if fits:
        assert found.canonical.tolist() == [number]


def test_a_blank_is_unknown_where_that_is_allowed_and_refused_elsewhere() -> None:
    cells: list[object] = [np.nan, "4", None]
    tenure = read_column(pd.Series(cells, name="Tenure"), "Tenure")
    assert tenure.errors == []
    np.testing.assert_array_equal(tenure.canonical, [np.nan, 4.0, np.nan])
    assert wrong(cells, "Balance") == ["0: blank", "2: blank"]
    assert wrong(cells, "Geography") == ["0: blank", "1: '4'", "2: blank"]


def test_typed_numbers_are_taken_as_they_are() -> None:
    for cells in (
        pd.Series([1, 0], dtype="int8"),
        pd.Series([1, 0], dtype="uint64"),
        pd.Series([1, 0], dtype="Int64"),
        pd.Series([1.0, 0.0], dtype="float32"),
        pd.Series([True, False]),
        pd.Series([True, False], dtype="boolean"),
        pd.Series([1, Decimal(0)], dtype=object),
        pd.Series(["1", "0"], dtype="category"),
        pd.Series(["1", "0"], dtype="string"),
    ):
        column = read_column(cells.rename("HasCrCard"), "HasCrCard")
        assert column.errors == [], cells.dtype
        assert column.canonical.dtype == np.int64
        assert column.canonical.tolist() == [1, 0]


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series(pd.to_datetime(["1970-01-01"])),
        pd.Series(pd.to_timedelta([5])),
        pd.Series([dt.date(2026, 1, 1)], dtype=object),
        pd.Series([b"4"], dtype=object),
        pd.Series([[4]], dtype=object),
        pd.Series([float("inf")]),
        pd.Series([1e300]),
    ],
)
def test_cells_of_other_types_are_not_converted_to_numbers(
    cells: "pd.Series[int]",
) -> None:
    assert len(wrong(cells)) == 1


def test_levels_are_compared_exactly() -> None:
    cells = ["France", "france", " France", "FR", b"France", 1, "\uff26rance"]
    assert wrong(list(cells), "Geography") == [
        "1: 'france'", "2: ' France'", "3: 'FR'", "4: \"b'France'\"", "5: '1'", "6: '\uff26rance'",
    ]  # fmt: skip
