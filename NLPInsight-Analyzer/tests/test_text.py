import html
import sys
import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nlpinsight.text.normalisation import (
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
        ("it\u2019s Acme\u2018s, it`s, it\u00b4s, it\u02bcs", "it's Acme's, it's, it's, it's"),
        ("\u201cyes\u201d, \u201eja\u201c, \u00aboui\u00bb, ``aye''", '"yes", "ja", "oui", "aye"'),
        ("2019\u20132020 \u2014 \u22125% -- non\u2011cash", "2019-2020 - -5% - non-cash"),
        ("wait\u2026", "wait..."),
        ("AT&amp;T, S&amp;amp;P, it&#39;s, it&apos;s &#x2014; ok", "AT&T, S&P, it's, it's - ok"),
        ("a&nbsp;b&#10;c&shy;d", "a b cd"),
        ("R&D; Q&A, fish &chips; ?a=1&copy=2", "R&D; Q&A, fish &chips; ?a=1&copy=2"),
        ("see t.co/AbC now", "see now"),
        ("profit (bit.ly/x) pic.twitter.com/AbCdE", "profit ("),
        ("read on cnbc.com/2020/01/02/acme.html.", "read on"),
        (
            "Amazon.com/Whole Foods, U.S./China, and/or",
            "Amazon.com/Whole Foods, U.S./China, and/or",
        ),
        ("not@t.co/x, 1.5/share", "not@t.co/x, 1.5/share"),
        ("RT @trader: profit rises", "profit rises"),
        ("rt @a rt @b_1: RT @c : profit", "profit"),
        ("RT https://t.co/x @a: profit", "profit"),
        ("RT @a", ""),
        ("START @a profit, RT @b", "START @a profit, RT @b"),
        ("RT profit", "RT profit"),
        (".@trader says @acme is up", ".@trader says @acme is up"),
    ],
)
def test_a_text_is_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text())
def test_every_normal_form_of_a_text_is_one_text(text: str) -> None:
    assert len({normalise(unicodedata.normalize(form, text)) for form in FORMS}) == 1


# What normalisation looks for, and the halves of it, so that what one step leaves could be what
# another one looks for.
_PIECES = """
& amp; # 39; ; lt; &lt; &semi; &num; &#35; &#38; &#59; &#65286; &#65018; &#769; &#8203; &#10; &#0;
&#x2019; &nbsp; &hellip; &amp;amp; RT @ rt :a t.co/x T.CO/ a.com/ /1 https:// www. . ' '' ` - -- é
\u2014 \u2019 \u201c \u00b4 \u2026 \u0301 \u0344 \u0f73 \uff9e \u200b \uff06 \ud800 \x00 a K
"""
pieces = st.sampled_from([" ", "\n", "\u00a0", *_PIECES.split()])
tricky = st.lists(pieces, max_size=14).map("".join) | st.text()


@given(tricky)
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text)

    assert normalise(once) == once


@given(tricky)
def test_a_normalised_text_is_no_longer_than_its_compatibility_form(text: str) -> None:
    limit = len(normalise(text))

    assert limit == 0 or is_longer(text, limit - 1)
    assert grows(text) or limit <= len(text)


@given(tricky)
def test_every_form_of_a_tricky_text_is_one_text(text: str) -> None:
    assert len({normalise(unicodedata.normalize(form, text)) for form in FORMS}) == 1


@given(st.lists(st.sampled_from(("a's", "AT&T", "x-y", "$A", "#up", "é", "it,")), min_size=1))
def test_a_text_can_be_escaped_any_number_of_times(words: list[str]) -> None:
    text = " ".join(words)

    for escaped in (html.escape(text), html.escape(html.escape(html.escape(text)))):
        assert normalise(escaped) == normalise(text)


@pytest.mark.parametrize(
    "unit",
    [
        "&",
        "&amp;",
        "&&#35;",
        "amp;",
        "&#769;&#790;",
        ";",
        "a.",
        "a.b,",
        "a.com/x,",
        "t.co/,",
        "a-",
        "RT @a",
        "RT @a: ",
        "'",
        "-",
        "\u0f73",
        "\uff9e\u0f73",
    ],
)
def test_no_repetition_takes_quadratic_time(unit: str) -> None:
    began = time.process_time()

    normalise("&" + unit * (400_000 // len(unit)) + "35;39;")

    # A quadratic step takes minutes; each of these, less than a second.
    assert time.process_time() - began < 30


def test_every_character_that_becomes_a_mark_counts_as_one() -> None:
    becoming = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
    ]

    assert len(becoming) > 800
    for character in becoming:
        assert len(normalise("a" + character * 3 * MAX_MARKS)) <= MAX_MARKS + 1


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


def test_every_control_character_and_surrogate_becomes_a_space() -> None:
    numbers = (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
    assert {normalise(f"profit{chr(number)}rises") for number in numbers} == {"profit rises"}
