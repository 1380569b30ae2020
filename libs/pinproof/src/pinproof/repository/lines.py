"""Splits a requirements file into the lines that pip sees, and keeps where each stands."""

import codecs
import re
from collections.abc import Iterator

__all__ = ["NotTextError", "decode", "logical_lines"]

_BOMS = (
    # The longer marks first: UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED_ENCODING = re.compile(rb"#.*?coding[:=]\s*([-\w.]+)")
# One space and not many, or a line of a million spaces would take an hour.
_COMMENT = re.compile(r"(^|\s)#.*$")
_COMMENT_LINE = re.compile(r"\s*#")


class NotTextError(ValueError):
    """The bytes are not the text of a requirements file."""


def decode(data: bytes) -> str:
    """Decode a file as pip does: by its byte order mark, its declared encoding, or as UTF-8.

    Where pip would fall back to the encoding of the machine it runs on, Latin-1 is read: it keeps
    every ASCII byte, so that the pins read the same, and does not depend on the machine.

    Raises:
        NotTextError: The bytes are not in the encoding that they claim, or hold NUL.
    """
    try:
        text = _decode(data)
    except (UnicodeError, LookupError) as error:
        raise NotTextError(str(error)) from error
    if "\0" in text:
        raise NotTextError("it holds NUL bytes")
    return text


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield each logical line without its comment, with the number of its first physical line.

    The format is pip's: a backslash at the end continues a line, a comment line ends the
    continuation, and ` #` starts a comment. pip ends a line at everything that
    `str.splitlines` does, such as a form feed; an editor numbers lines by their line feeds.
    """
    parts: list[str] = []
    start = number = 1
    for physical in text.splitlines(keepends=True):
        line = physical.rstrip("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
        if not parts:
            start = number
        if physical.endswith(("\n", "\r")):
            number += 1
        if line.endswith("\\") and not _COMMENT_LINE.match(line):
            parts.append(line.strip("\\"))
            continue
        # The space keeps a comment a comment once it is joined to what it interrupts.
        parts.append(f" {line}" if _COMMENT_LINE.match(line) else line)
        yield from _without_comment(start, "".join(parts))
        parts = []
    yield from _without_comment(start, "".join(parts))


def _without_comment(number: int, line: str) -> Iterator[tuple[int, str]]:
    if stripped := _COMMENT.sub("", line).strip():
        yield number, stripped


def _decode(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding)
    for line in data.split(b"\n", maxsplit=2)[:2]:
        if declared := _DECLARED_ENCODING.match(line):
            return data.decode(declared[1].decode("ascii"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
