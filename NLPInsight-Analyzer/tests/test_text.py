import sys
import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nlpinsight.text import (
    MAX_MARKS,
    EmptyTextError,
    grows,
    is_longer,
    normalise,
    normalise_all,
)

FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Profit \t\n rises ", "Profit rises"),
        ("see https://t.co/abc123?x=1 now", "see now"),
        ("WWW.EXAMPLE.COM/a profit", "profit"),
        ("http://a.b", ""),
        ("awww.yes", "awww.yes"),
        ("https is a protocol", "https is a protocol"),
        ("pro\u200bfit\ufeff", "profit"),
        ("pro\u00adfit", "profit"),
        ("a\u202eb\u2066c", "abc"),
        ("up\u2764\ufe0f", "up\u2764"),
        ("a\x00b", "a b"),
        ("a\ud800b", "a b"),
        ("a\u0085b\u2028c\u00a0d", "a b c d"),
        ("\uff21\uff23\uff2d\uff25 \ufb01n", "ACME fin"),
        ("Socie\u0301te\u0301", "Soci\u00e9t\u00e9"),
        ("\u3164\u115f", ""),
        ("$AAPL +5% \U0001f680!", "$AAPL +5% \U0001f680!"),
    ],
)
def test_a_text_is_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text())
def test_every_normal_form_of_a_text_is_one_text(text: str) -> None:
    assert len({normalise(unicodedata.normalize(form, text)) for form in FORMS}) == 1


@given(st.text(st.characters()))
def test_what_is_left_is_visible_and_can_be_encoded(text: str) -> None:
    left = normalise(text)

    left.encode()
    assert left == left.strip()
    assert "  " not in left
    assert not any(unicodedata.category(one) in {"Cc", "Cs"} for one in left)


def test_every_character_that_only_formats_is_removed_but_those_that_stand_for_something() -> None:
    # Arabic, Syriac, Kaithi number signs and the like: Cf, and yet printed.
    printed = {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN", "SHORTHAND", "MUSICAL"}
    left = {
        character
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(character := chr(code)) == "Cf" and normalise(character)
    }

    assert {unicodedata.name(one).split()[0] for one in left} <= printed


def test_a_long_run_of_marks_is_cut_before_it_takes_quadratic_time() -> None:
    marks = "\u0301\u0316" * 200_000
    began = time.process_time()

    left = normalise("a" + marks + " b")

    # Ordering such a run takes minutes; cutting it, a fraction of a second.
    assert time.process_time() - began < 30
    assert len(left) <= MAX_MARKS + len("a b")
    assert left.endswith(" b")


def test_texts_with_nothing_to_judge_are_refused_by_their_place() -> None:
    assert normalise_all(["a ", "b"]) == ["a", "b"]
    with pytest.raises(EmptyTextError, match=r"Text 1 has nothing to judge"):
        normalise_all(["a", "\u200b https://a.b"])


@pytest.mark.parametrize(
    "text", ["", "profit", "é" * 600, "\u0958" * 600, "\ufdfa" * 700, "a" + "\u0301" * 20]
)
def test_whether_a_text_is_longer_is_known_without_spelling_all_of_it_out(text: str) -> None:
    length = len(unicodedata.normalize("NFKC", text))

    assert not is_longer(text, length)
    assert is_longer(text + "!", length)
    assert grows(text) or length <= len(text)
