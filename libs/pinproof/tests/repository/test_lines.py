import codecs

import pytest
from pinproof.repository.lines import NotTextError, decode, logical_lines

SPLIT = [
    ("", []),
    ("\n\n", []),
    ("a", [(1, "a")]),
    ("a\nb\n", [(1, "a"), (2, "b")]),
    ("a\r\nb\rc", [(1, "a"), (2, "b"), (3, "c")]),
    ("\n\n  a  \n", [(3, "a")]),
    ("# comment\na # comment\nb#c\n", [(2, "a"), (3, "b#c")]),
    ("\t# comment\na\t#comment", [(2, "a")]),
    ("a \\\n  b \\\n  c\nd", [(1, "a   b   c"), (4, "d")]),
    ("a \\\n# comment\nb", [(1, "a"), (3, "b")]),
    ("# comment \\\na", [(2, "a")]),
    # As in pip, what a commented line continues with is part of the comment.
    ("a # comment \\\nb\nc", [(1, "a"), (3, "c")]),
    ("a\\", [(1, "a")]),
    ("\\\n\\\n", []),
    # pip ends a line here too, an editor does not: both pins count, both stand on line 1.
    ("a\x0cb\nc", [(1, "a"), (1, "b"), (2, "c")]),
    ("a\u2028b", [(1, "a"), (1, "b")]),
]
TEXT = [
    (b"", ""),
    (b"caf\xc3\xa9", "café"),
    (b"caf\xe9", "café"),
    (codecs.BOM_UTF8 + b"a", "a"),
    ("a".encode("utf-16"), "a"),
    (codecs.BOM_UTF16_BE + "a".encode("utf-16-be"), "a"),
    ("a".encode("utf-32"), "a"),
    (b"# -*- coding: latin-1 -*-\n# \xc3\xa9", "# -*- coding: latin-1 -*-\n# Ã©"),
    (b"a\n# coding=cp1252\n# \x80", "a\n# coding=cp1252\n# €"),
]
NO_TEXT = [
    b"a\0b",
    b"\x7fELF\x02\x01\x01\x00",
    codecs.BOM_UTF8 + b"\xff",
    b"# coding: no-such-encoding",
    b"# coding: rot13",
    b"# coding: ascii\n\xe9",
]


@pytest.mark.parametrize(("text", "lines"), SPLIT)
def test_a_line_is_what_pip_reads_as_one(text: str, lines: list[tuple[int, str]]) -> None:
    assert list(logical_lines(text)) == lines


@pytest.mark.parametrize(("data", "text"), TEXT)
def test_text_is_decoded(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize("data", NO_TEXT)
def test_bytes_that_are_not_text_are_refused(data: bytes) -> None:
    with pytest.raises(NotTextError):
        decode(data)
