"""Reads files of texts row by row: CSV, JSON lines, lines.

Invalid rows are returned with their errors, so that a file is refused once, with all of them. A row
is at most `servicekit.csv_files.MAX_ROW` long, which bounds the memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from servicekit.files import DataError

from nlpinsight.data.csv_rows import read_csv_rows
from nlpinsight.data.file_kinds import Kind, check_file, kind_of
from nlpinsight.data.line_rows import LineForm, form_of, read_json_lines, read_text_lines
from nlpinsight.data.rows import TEXT, Row, validate


@dataclass(frozen=True)
class TextFile:
    """A file of texts and its format.

    Attributes:
        path: The file.
        kind: CSV, JSON lines or lines.
        lines: Format of its lines; None if it has columns.
    """

    path: Path
    kind: Kind
    lines: LineForm | None

    @classmethod
    def of(cls, path: Path) -> Self:
        """Detect the format of a file. Files of lines are read once.

        Raises:
            DataError: It is missing, empty, of another kind, or in another encoding.
        """
        check_file(path)
        kind = kind_of(path)
        return cls(path, kind, form_of(path) if kind == "lines" else None)

    @property
    def may_have_labels(self) -> bool:
        """Whether its rows may have labels; files of plain lines cannot."""
        return self.lines is None or self.lines.labelled > 0

    @property
    def read_as(self) -> str:
        """Name of the format, for messages."""
        if self.lines is None:
            return self.kind
        if not self.lines.labelled:
            return "one text per line"
        encoding = "Latin-1" if self.lines.encoding == "latin-1" else "UTF-8"
        return f"Financial PhraseBank (sentence@label) in {encoding}"

    def rows(self, *, columns: tuple[str, ...] = (TEXT,), need_words: bool = True) -> Iterator[Row]:
        """Read the rows.

        Args:
            columns: Required columns.
            need_words: Whether a text that is empty once normalised is an error.

        Raises:
            DataError: A column is missing, there are no rows, or the file is damaged.
        """
        is_empty = True
        for row in self._unchecked(columns):
            is_empty = False
            yield validate(row, columns, need_words=need_words)
        if is_empty:
            raise DataError(f"{self.path} has no rows. Give a file with texts.")

    def _unchecked(self, columns: tuple[str, ...]) -> Iterator[Row]:
        if self.kind == "CSV":
            return read_csv_rows(self.path, columns)
        if self.lines is None:
            return read_json_lines(self.path)
        return read_text_lines(self.path, self.lines)
