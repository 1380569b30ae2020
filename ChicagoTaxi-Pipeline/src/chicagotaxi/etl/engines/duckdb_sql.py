"""Names, texts and paths in DuckDB's SQL, and its errors as messages for people."""

import contextlib
import glob
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
from servicekit.files import DataError

# DuckDB lists every name that may have been meant, which can take pages.
_LONGEST: Final = 300


@contextlib.contextmanager
def duckdb_errors() -> Iterator[None]:
    """Translate DuckDB's errors."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        remedy = "Give --memory more, or make room on the disk."
        raise DataError(f"{first_line(error)} {remedy}") from error
    except duckdb.Error as error:
        raise DataError(explain(str(error))) from error


def literal_path(path: Path) -> str:
    """A path as a pattern that matches nothing else: DuckDB reads every path as a pattern."""
    return glob.escape(str(path))


def quoted_name(value: str) -> str:
    """A name in DuckDB's SQL."""
    return '"' + value.replace('"', '""') + '"'


def quoted_text(value: str) -> str:
    """A text in DuckDB's SQL."""
    return "'" + value.replace("'", "''") + "'"


def first_line(error: Exception) -> str:
    """The first line of an error's message, as a sentence."""
    return str(error).splitlines()[0].rstrip(".") + "."


def explain(message: str) -> str:
    """DuckDB's message with a remedy, without the options of DuckDB that it suggests."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    file = re.findall(r"^\s*file = (.*)$", message, re.MULTILINE)
    if line and file:
        text = re.split(r"^Possible ", message, maxsplit=1, flags=re.MULTILINE)[0]
        reason = text.strip().splitlines()[-1].rstrip(".")
        return (
            f"{file[-1]}, line {line[1]}: {reason}. Correct that line, or export the whole table "
            "again."
        )
    text = re.sub(r"\s*\n\s*", " ", message).rstrip(". ")
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ..."
    if "GZIP" in text or "Failed to read file" in text:
        return f"{text}. The file is damaged: get it again."
    return f"{text}."
