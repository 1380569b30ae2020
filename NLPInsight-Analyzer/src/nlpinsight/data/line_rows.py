"""Rows of files with one row per line: JSON lines, Financial PhraseBank, plain texts.

Financial PhraseBank is published as ``.txt`` in Latin-1 with lines ``sentence@label``. A ``.txt``
file is read in this format if any of its lines end in ``@`` and a label, else as one text per line.
Lines without a label are then errors.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from servicekit.csv_files import MAX_ROW
from servicekit.files import DataError
from servicekit.rows import RowError

from nlpinsight.data.file_kinds import TEXT_FILES
from nlpinsight.data.rows import LABEL, TEXT, Row, shorten
from nlpinsight.schema import LABELS

# Not their other names, which may be the end of an address.
_LABELS: Final = frozenset(label.lower() for label in LABELS)

_BOM: Final = b"\xef\xbb\xbf"
_A_LINE: Final = (
    f"sentence@label with {' or '.join(LABELS)}, as {{labelled:,}} other lines are (give plain "
    "texts as .csv or .jsonl instead)"
)
_ONE_LINE: Final = "one line (end lines with a line feed: tr '\\r' '\\n' converts)"


@dataclass(frozen=True)
class LineForm:
    """Format of a ``.txt`` file.

    Attributes:
        labelled: Number of lines that end in ``@label``; 0 for plain texts.
        encoding: Latin-1 only for Financial PhraseBank, as it is published.
    """

    labelled: int
    encoding: Literal["utf-8", "latin-1"]


def form_of(path: Path) -> LineForm:
    """Detect the format of a ``.txt`` file, by reading it once.

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
    # If only some lines are UTF-8, the others are damaged; Latin-1 would spoil the former.
    return LineForm(labelled, "latin-1" if labelled and other and not utf8 else "utf-8")


def read_text_lines(path: Path, form: LineForm) -> Iterator[Row]:
    """Read a ``.txt`` file.

    Args:
        path: The file, compressed or not.
        form: Its format.

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
    """The lines of a file with their numbers, without line ends and byte order mark."""
    with TEXT_FILES.open(path) as file:
        number = 0
        while line := file.readline(MAX_ROW + 1):
            number += 1
            if len(line) > MAX_ROW:
                raise DataError(
                    f"{path}, row {number}: the line is longer than {MAX_ROW:,} bytes. Split it."
                )
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            yield number, line.removeprefix(_BOM) if number == 1 else line


def _without_blank_end(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Leave out blank lines at the end."""
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
        return Row(number, cells, RowError("(line)", number, shorten(line), _ONE_LINE))
    if form.labelled and label is None:
        unlike = _A_LINE.format(labelled=form.labelled)
        return Row(number, cells, RowError("(line)", number, shorten(line), unlike))
    return Row(number, cells)


def _split(line: str) -> tuple[str, str | None]:
    """The sentence and the label of a line; None if it does not end in a label."""
    text, _, label = line.rpartition("@")
    return (text, label.strip()) if label.strip().lower() in _LABELS else (line, None)


def _from_json(number: int, line: str) -> Row:
    try:
        found = json.loads(line, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, _Pairs):
        return Row(number, (), RowError("(all)", number, shorten(line), "a JSON object"))
    cells = tuple((name, _plain(value)) for name, value in found)
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        error = RowError(shorten(twice), number, "repeated", "present once in each JSON object")
        return Row(number, cells, error)
    return Row(number, cells)


class _Pairs(list[tuple[str, object]]):
    """A JSON object with all of its fields, including repeated names."""


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return {name: _plain(one) for name, one in value}
    return [_plain(one) for one in value] if isinstance(value, list) else value
