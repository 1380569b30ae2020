"""Batches that are made to harm the service, with correct digests of each file."""

import hashlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from chicagotaxi.batch.reader import MAX_FILE_BYTES

PART = "part-00000.parquet"
LONG = "A" * 100_000

Spoil = Callable[[Path, str], None]


def say_digest(place: Path) -> None:
    """Have `batch.json` state the digest of what is there."""
    info = json.loads((place / "batch.json").read_text())
    with (place / PART).open("rb") as file:
        info["parts"][0]["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    (place / "batch.json").write_text(json.dumps(info))


def rewrite(column: str, values: list[object], **options: Any) -> Spoil:  # noqa: ANN401
    """Replace a column by a few values in turn."""

    def spoil(folder: Path, name: str) -> None:
        place = folder / name
        rows = pq.read_table(place / PART)
        repeated = [values[row % len(values)] for row in range(rows.num_rows)]
        where = rows.column_names.index(column)
        pq.write_table(rows.set_column(where, column, pa.array(repeated)), place / PART, **options)
        assert (place / PART).stat().st_size < 200_000
        say_digest(place)

    return spoil


def replaced(what: str, make: Callable[[Path], None]) -> Spoil:
    """Put something else in the place of a file."""

    def spoil(folder: Path, name: str) -> None:
        path = folder / name / what
        path.unlink()
        make(path)

    return spoil


def make_socket(path: Path) -> None:
    # The names of sockets are short.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(before)


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)


def large_file(folder: Path, name: str) -> None:
    """A sparse file larger than any batch."""
    replaced(PART, make_large)(folder, name)
    say_digest(folder / name)


def lying_footer(folder: Path, name: str) -> None:
    """Pages that unpack to 134 MB, and a footer that says 1,000 bytes."""
    rewrite("demand_category", [LONG], use_dictionary=False, compression="zstd")(folder, name)
    path = folder / name / PART
    data = path.read_bytes()
    metadata = pq.read_metadata(path)
    where = metadata.schema.names.index("demand_category")
    size = metadata.row_group(0).column(where).total_uncompressed_size
    footer = data.rindex(_varint(size))
    said = _varint(size)
    # The same length, with bits that count nothing.
    lie = bytes(byte | 0x80 for byte in _varint(1000).ljust(len(said), b"\0"))
    lie = lie[:-1] + bytes([lie[-1] & 0x7F])
    path.write_bytes(data[:footer] + lie + data[footer + len(said) :])
    found = pq.read_metadata(path).row_group(0).column(where)
    assert (found.total_uncompressed_size, size > 100_000_000) == (1000, True)
    say_digest(folder / name)


def _varint(number: int) -> bytes:
    """A positive number as Thrift's compact protocol writes it."""
    number <<= 1
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


HOSTILE: dict[str, tuple[Spoil, str]] = {
    "a pipe as a part": (replaced(PART, os.mkfifo), "missing"),
    "a pipe as batch.json": (replaced("batch.json", os.mkfifo), "missing"),
    "a socket as a part": (replaced(PART, make_socket), "missing"),
    "a device as a part": (replaced(PART, make_device), "missing"),
    "a device as batch.json": (replaced("batch.json", make_device), "missing"),
    "a folder as a part": (replaced(PART, Path.mkdir), "missing"),
    "a link to itself as a part": (replaced(PART, make_loop), "missing"),
    "a file that is too large": (large_file, "size"),
    "batch.json that is too large": (replaced("batch.json", make_large), "size"),
    "a dictionary of one long text": (rewrite("demand_category", [LONG]), "size"),
    "pages that unpack to much": (
        rewrite("demand_category", [LONG], use_dictionary=False, compression="zstd"),
        "size",
    ),
    "pages that unpack to more than is said": (lying_footer, "size"),
    "an unknown category": (rewrite("demand_category", ["LOW", "<b>HUGE</b>"]), "rows"),
    "a weekend in the week": (rewrite("is_weekend", [True]), "rows"),
    "a warning of another release": (rewrite("warnings", ["no_such:thing"]), "rows"),
    "an infinite distance": (rewrite("avg_distance_miles", [float("inf")]), "rows"),
}
