"""The rows of files with one row per line: JSON lines, Financial PhraseBank, plain texts.

Financial PhraseBank is published as ``.txt`` in Latin-1 with lines ``sentence@label``. A ``.txt``
file is read as such where its lines end in ``@negative``, ``@neutral`` or ``@positive``, whatever
command reads it, and as one text per line where none does. A file with lines of both is refused
with the rows that do not fit.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from servicekit.files import DataError
from servicekit.rows import RowError

from nlpinsight.csv_rows import MAX_LINE
from nlpinsight.file_kinds import TEXT_FILES
from nlpinsight.rows import LABEL, TEXT, Row, shown
from nlpinsight.schema import LABELS

__all__ = ["LineForm", "form_of", "read_json_lines", "read_text_lines"]

_BOM: Final = b"\xef\xbb\xbf"
_A_LINE: Final = (
    "sentence@label with negative, neutral or positive, as {labelled:,} other lines are (give "
    "plain texts as .csv or .jsonl instead)"
)
_ONE_LINE: Final = "one line (end lines with a line feed: tr '\\r' '\\n' converts)"


@dataclass(frozen=True)
class LineForm:
    """How a ``.txt`` file is written.

    Attributes:
        labelled: How many of its lines end in ``@label``; 0 where it holds plain texts.
        encoding: Latin-1 only in the form of Financial PhraseBank, as it is published.
    """

    labelled: int
    encoding: Literal["utf-8", "latin-1"]


def form_of(path: Path) -> LineForm:
    """Look through a ``.txt`` file for how it is written.

    Raises:
        DataError: It cannot be read.
    """
    labelled = utf8 = other = 0
    for _, line in _lines(path):
        try:
            text = line.decode()
            utf8 += not line.isascii()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
            other += 1
        labelled += _split(text)[1] is not None
    # One line in UTF-8 and one that is not: the latter is damaged, and Latin-1 would spoil the
    # former.
    return LineForm(labelled, "latin-1" if labelled and other and not utf8 else "utf-8")


def read_text_lines(path: Path, form: LineForm) -> Iterator[Row]:
    """Read a ``.txt`` file.

    Args:
        path: The file, compressed or not.
        form: How it is written.

    Raises:
        DataError: It cannot be read, or a line is too long.
    """
    for number, raw in _without_blank_end(_lines(path)):
        line = raw.decode(form.encoding, errors="surrogateescape")
        yield _from_text(number, line, form)


def read_json_lines(path: Path) -> Iterator[Row]:
    """Read JSON lines in UTF-8.

    Raises:
        DataError: It cannot be read, or a line is too long.
    """
    for number, raw in _without_blank_end(_lines(path)):
        yield _from_json(number, raw.decode(errors="surrogateescape"))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, counted from 1, without their ends and without a byte order mark."""
    with TEXT_FILES.open(path) as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise DataError(
                    f"{path}, row {number}: the line is longer than {MAX_LINE:,} bytes. Split it."
                )
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            yield number, line.removeprefix(_BOM) if number == 1 else line


def _without_blank_end(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Lines without the blank ones after the last that is not blank."""
    blank: list[tuple[int, bytes]] = []
    for number, line in lines:
        if line.strip():
            yield from blank
            blank.clear()
            yield number, line
        else:
            blank.append((number, line))


def _from_text(number: int, line: str, form: LineForm) -> Row:
    text, label = _split(line) if form.labelled else (line, None)
    cells = ((TEXT, text), (LABEL, label)) if label is not None else ((TEXT, line),)
    if "\r" in line:
        return Row(number, cells, RowError("(line)", number, shown(line), _ONE_LINE))
    if form.labelled and label is None:
        unlike = _A_LINE.format(labelled=form.labelled)
        return Row(number, cells, RowError("(line)", number, shown(line), unlike))
    return Row(number, cells)


def _split(line: str) -> tuple[str, str | None]:
    """The sentence and the label of a line; no label where it does not end in one."""
    text, _, label = line.rpartition("@")
    return (text, label.strip()) if label.strip().lower() in LABELS else (line, None)


def _from_json(number: int, line: str) -> Row:
    try:
        found = json.loads(line, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, _Pairs):
        return Row(number, (), RowError("(all)", number, shown(line), "a JSON object"))
    cells = tuple((name, _plain(value)) for name, value in found)
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        problem = RowError(shown(twice), number, "there twice", "there once in each JSON object")
        return Row(number, cells, problem)
    return Row(number, cells)


class _Pairs(list[tuple[str, object]]):
    """A JSON object with all of its fields, also those of the same name."""


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return {name: _plain(one) for name, one in value}
    return [_plain(one) for one in value] if isinstance(value, list) else value
