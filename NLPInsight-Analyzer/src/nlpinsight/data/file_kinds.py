"""Kinds of files of texts, by their names and first bytes."""

from pathlib import Path
from typing import Final, Literal

from servicekit.file_kinds import FileKinds

Kind = Literal["CSV", "JSON lines", "lines"]

CSV_SUFFIXES: Final = (".csv",)
JSON_LINES_SUFFIXES: Final = (".jsonl", ".ndjson")

_GZIP: Final = ".gz"
_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(CSV_SUFFIXES, "CSV"),
    **dict.fromkeys(JSON_LINES_SUFFIXES, "JSON lines"),
    ".txt": "lines",
}

TEXT_FILES: Final = FileKinds((*_KINDS, *(f"{one}{_GZIP}" for one in _KINDS)), contents="texts")
"""The files of texts that commands read."""


def kind_of(path: Path) -> Kind:
    """The kind of a file by its name, compressed or not.

    Raises:
        DataError: It is of a kind that is not read.
    """
    return _KINDS[TEXT_FILES.suffix_of(path).removesuffix(_GZIP)]


def check_file(path: Path) -> None:
    """Refuse what is not a file of texts, before a model is loaded.

    Raises:
        DataError: It is missing, empty, not a file, of another kind or in another encoding than
            UTF-8 or Latin-1.
    """
    with TEXT_FILES.open(path):
        pass
