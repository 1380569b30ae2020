"""Files of results: CSV or JSON lines, complete or not at all."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from servicekit.files import DataError, NewFile, write_errors

from nlpinsight.data.file_kinds import CSV_SUFFIXES, JSON_LINES_SUFFIXES


class ResultWriter(NewFile):
    """Writes rows to CSV or JSON lines; the file appears when the block ends without error.

    Args:
        destination: The file, .csv or .jsonl.

    Raises:
        DataError: It is of another kind, or cannot be written.
    """

    def __init__(self, destination: Path) -> None:
        check_results(destination)
        super().__init__(destination)
        self._as_csv = destination.suffix.lower() in CSV_SUFFIXES
        with write_errors(destination):
            self._stream = self.path.open("w", encoding="utf-8", newline="")
        self._columns: list[str] | None = None
        self._rows = 0

    def write_row(self, cells: Iterable[tuple[str, object]]) -> None:
        """Write a row.

        Args:
            cells: Names and values. A CSV file has the columns of its first row, including
                repeated names; cells that later rows lack are empty.

        Raises:
            DataError: It cannot be written; or has a column that the first row lacks, in CSV; or
                repeats a name, in JSON.
        """
        self._rows += 1
        names, values = [], []
        for name, value in cells:
            names.append(name)
            values.append(value)
        with write_errors(self.destination):
            if self._as_csv:
                self._write_csv(names, values)
            else:
                self._write_json(names, values)

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Replace the destination, or remove the temporary file after an error."""
        try:
            with write_errors(self.destination):
                self._stream.close()
        except DataError:
            self.discard()
            raise
        super().__exit__(kind, *error)

    def _write_json(self, names: list[str], values: list[object]) -> None:
        fields = dict(zip(names, values, strict=True))
        if len(fields) < len(names):
            twice = sorted({repr(name) for name in names if names.count(name) > 1})
            raise DataError(
                f"Row {self._rows} repeats {', '.join(twice)}, which an object in "
                f"{self.destination} cannot. Write .csv instead. Nothing was written."
            )
        self._stream.write(json.dumps(fields, ensure_ascii=False) + "\n")

    def _write_csv(self, names: list[str], values: list[object]) -> None:
        writer = csv.writer(self._stream, lineterminator="\n")
        if self._columns is None:
            self._columns = names
            writer.writerow(names)
        if names != self._columns:
            fields = dict(zip(names, values, strict=True))
            if more := [repr(name) for name in fields if name not in self._columns]:
                raise DataError(
                    f"Row {self._rows} has {', '.join(more)}, which row 1 lacks, so that "
                    f"{self.destination} has no column for it. Write .jsonl instead, or give row "
                    "1 every field. Nothing was written."
                )
            values = [fields.get(column) for column in self._columns]
        writer.writerow([_cell(value) for value in values])


def check_results(destination: Path) -> None:
    """Refuse a file that results cannot be written to.

    Raises:
        DataError: Its name is not of a kind that can be written.
    """
    if destination.suffix.lower() not in (*CSV_SUFFIXES, *JSON_LINES_SUFFIXES):
        raise DataError(
            f"{destination} is neither .csv nor .jsonl. Name the output .csv or .jsonl."
        )


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    buffer = io.StringIO()
    json.dump(value, buffer, ensure_ascii=False)
    return "" if value is None else buffer.getvalue()
