import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servicekit.numbers import NUMBER, parse_number

NUMBERS = {
    "41": 41.0,
    "-0": -0.0,
    "+7": 7.0,
    "007": 7.0,
    "83807.86": 83807.86,
    "5.": 5.0,
    ".5": 0.5,
    "1e5": 100_000.0,
    "1.5E-3": 0.0015,
    "  42 ": 42.0,
}

NOT_NUMBERS = [
    "",
    " ",
    "4_1",
    "83_807.86",
    "1,000",
    "1 000",
    "3,14",
    "$8.75",
    "12%",
    "'41",
    "0x29",
    "0b1",
    "1e",
    "e5",
    ".",
    "+",
    "--1",
    "1.2.3",
    "1e5.0",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "NA",
    "null",
    "None",
    "true",
    "\uff14\uff11",  # full-width 41
    "\u0664\u0661",  # Arabic-Indic 41
    "4\u00b2",  # 4 with a superscript 2
    "\u221241",  # the minus sign of typography
    "41\u00a0",  # a no-break space
    "41\n",
    "\t41",
    "1e999",
    "9" * 400,
]


@pytest.mark.parametrize(("cell", "number"), NUMBERS.items())
def test_a_number_in_the_grammar_is_read(cell: str, number: float) -> None:
    assert parse_number(cell) == number


@pytest.mark.parametrize("cell", NOT_NUMBERS)
def test_other_text_is_not_a_number(cell: str) -> None:
    assert parse_number(cell) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_read_back_as_python_writes_it(number: float) -> None:
    assert parse_number(repr(number)) == number


@given(st.text(alphabet="0123456789.eE+-_ ,naif\uff14\u0664", max_size=8))
def test_a_text_is_read_as_the_number_that_python_reads_or_refused(text: str) -> None:
    number = parse_number(text)

    if number is not None:
        assert number == float(text)
        assert math.isfinite(number)
        assert text.isascii()
        assert "_" not in text
        assert NUMBER.fullmatch(text.strip(" "))
