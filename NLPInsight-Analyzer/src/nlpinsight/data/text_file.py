"""Files of texts, row by row, whatever command reads them: CSV, JSON lines, lines.

A row is read whatever is wrong with it, and carries what that is: a file is refused once, with all
of its bad rows. Memory is bounded by the longest row, and that by `MAX_LINE`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from servicekit.files import DataError

from nlpinsight.data.csv_rows import MAX_LINE, read_csv
from nlpinsight.data.file_kinds import Kind, check_file, kind_of
from nlpinsight.data.line_rows import LineForm, form_of, read_json_lines, read_text_lines
from nlpinsight.data.rows import LABEL, TEXT, Row, checked

__all__ = ["LABEL", "MAX_LINE", "TEXT", "Row", "TextFile"]


@dataclass(frozen=True)
class TextFile:
    """A file of texts: what kind it is, and how its texts and labels are written.

    Attributes:
        path: Where it is.
        kind: CSV, JSON lines or lines.
        lines: How its lines are written; None where it has columns.
    """

    path: Path
    kind: Kind
    lines: LineForm | None

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file. One of lines is read once through.

        Raises:
            DataError: It is missing, empty, of another kind, or in another encoding.
        """
        check_file(path)
        kind = kind_of(path)
        return cls(path, kind, form_of(path) if kind == "lines" else None)

    @property
    def may_have_labels(self) -> bool:
        """Whether its rows may have labels: only a file of plain lines cannot."""
        return self.lines is None or self.lines.labelled > 0

    @property
    def read_as(self) -> str:
        """The form that it is read in, for people."""
        if self.lines is None:
            return self.kind
        if not self.lines.labelled:
            return "one text per line"
        encoding = "Latin-1" if self.lines.encoding == "latin-1" else "UTF-8"
        return f"Financial PhraseBank (sentence@label) in {encoding}"

    def rows(self, *, columns: tuple[str, ...] = (TEXT,), need_words: bool = True) -> Iterator[Row]:
        """Read the rows.

        Args:
            columns: What every row must have. Others may be there.
            need_words: Whether a text that holds something, but nothing to judge, is a problem.

        Raises:
            DataError: A column is missing, there is no row, or the file is damaged so that its
                rows cannot be told apart.
        """
        is_empty = True
        for row in self._unchecked(columns):
            is_empty = False
            yield checked(row, columns, need_words=need_words)
        if is_empty:
            raise DataError(f"{self.path} has no rows. Give a file with texts.")

    def _unchecked(self, columns: tuple[str, ...]) -> Iterator[Row]:
        if self.kind == "CSV":
            return read_csv(self.path, columns)
        if self.lines is None:
            return read_json_lines(self.path)
        return read_text_lines(self.path, self.lines)
