"""Splits a requirements file into the logical lines of pip, with line numbers."""

import codecs
import re
from collections.abc import Iterator

_BOMS = (
    # The longer marks first: UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED_ENCODING = re.compile(rb"#.*?coding[:=]\s*([-\w.]+)")
# One space, not many: a line of a million spaces would take an hour.
_COMMENT = re.compile(r"(^|\s)#.*$")
_COMMENT_LINE = re.compile(r"\s*#")


class NotTextError(ValueError):
    """The bytes are not text."""


def decode(data: bytes) -> str:
    """Decode a file as pip does: by its byte order mark, its declared encoding, or as UTF-8.

    If pip would use the encoding of the machine, this uses Latin-1, which does not depend on the
    machine and keeps every ASCII byte, and so the pins.

    Raises:
        NotTextError: The bytes are not in their declared encoding, or contain NUL.
    """
    try:
        text = _decode(data)
    except (UnicodeError, LookupError) as error:
        raise NotTextError(str(error)) from error
    if "\0" in text:
        raise NotTextError("it contains NUL bytes")
    return text


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield each logical line without its comment, with the number of its first physical line.

    The format is pip's: a backslash at the end continues a line, a comment line ends the
    continuation, and ` #` starts a comment. Like pip, this ends a line at every separator of
    `str.splitlines`, such as a form feed. Like editors, it numbers lines by line feeds.
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
        # The space keeps a comment a comment after it is joined to the continued line.
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
