"""The unpacked size of a Parquet file, from its footer and page headers, without reading it.

A footer may state less than its pages hold, so that the headers of all pages are read as well. A
page cannot unpack to more than its header states, because readers allocate that much. Headers are
structs of Thrift's compact protocol: https://github.com/apache/parquet-format (``PageHeader``).
"""

from collections.abc import Iterator
from typing import Final

import pyarrow.parquet as pq

_UNCOMPRESSED_SIZE: Final = 2
_COMPRESSED_SIZE: Final = 3
# No struct of the format is nested more deeply.
_MAX_DEPTH: Final = 8

# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12,
)  # fmt: skip
_VARINTS: Final = (_I16, _I32, _I64)
_LONG_LIST: Final = 15


class UnboundedError(Exception):
    """A file unpacks to more than it states, or than is allowed."""


def unpacked_bytes(contents: bytes, metadata: pq.FileMetaData) -> int:
    """Number of bytes that all pages of a file unpack to.

    Dictionary-encoded columns become larger when their values are expanded.

    Raises:
        UnboundedError: The pages of a column unpack to more than the footer states.
        ValueError: A page lies outside of the file, or its header cannot be read.
    """
    total = 0
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            start = column.data_page_offset
            dictionary = column.dictionary_page_offset
            if dictionary is not None and 0 < dictionary < start:
                start = dictionary
            end = start + column.total_compressed_size
            if not 0 < start <= end <= len(contents):
                raise ValueError(f"the column {column.path_in_schema} lies outside of the file")
            unpacked = sum(_pages(contents, start, end))
            # The footer's size includes the headers.
            if unpacked > column.total_uncompressed_size:
                raise UnboundedError(
                    f"the pages of {column.path_in_schema} unpack to {unpacked:,} bytes; the "
                    f"footer says {column.total_uncompressed_size:,}"
                )
            total += unpacked
    return total


def _pages(contents: bytes, start: int, end: int) -> Iterator[int]:
    """The unpacked size of each page of a column."""
    while start < end:
        header = _Header(contents, start, end)
        fields = header.struct(0)
        packed, unpacked = fields.get(_COMPRESSED_SIZE), fields.get(_UNCOMPRESSED_SIZE)
        if packed is None or unpacked is None or packed < 0 or unpacked < 0:
            raise ValueError("the header of a page does not say how large it is")
        yield unpacked
        start = header.place + packed
        if start > end:
            raise ValueError("a page is longer than its column")


class _Header:
    """Reader of a struct of the compact protocol.

    Attributes:
        place: Position of the next byte.
    """

    def __init__(self, contents: bytes, place: int, end: int) -> None:
        self.place = place
        self._contents = contents
        self._end = end

    def struct(self, depth: int) -> dict[int, int]:
        """The whole numbers of a struct by their fields; other values are skipped."""
        if depth > _MAX_DEPTH:
            raise ValueError("the header of a page is nested too deeply")
        numbers: dict[int, int] = {}
        field = 0
        while byte := self._byte():
            kind = byte & 0x0F
            field = field + (byte >> 4) if byte >> 4 else self._zigzag()
            if kind in _VARINTS:
                numbers[field] = self._zigzag()
            elif kind not in {_TRUE, _FALSE}:  # whose value is in the type
                self._skip(kind, depth)
        return numbers

    def _skip(self, kind: int, depth: int) -> None:
        if kind in _VARINTS:
            self._zigzag()
        elif kind in {_TRUE, _FALSE, _BYTE}:  # in a list, a truth has a byte of its own
            self._byte()
        elif kind == _DOUBLE:
            self._pass(8)
        elif kind == _BINARY:
            self._pass(self._varint())
        elif kind in {_LIST, _SET}:
            byte = self._byte()
            size = byte >> 4 if byte >> 4 != _LONG_LIST else self._varint()
            for _ in range(size):
                self._skip(byte & 0x0F, depth + 1)
        elif kind == _STRUCT:
            self.struct(depth + 1)
        else:
            raise ValueError("the header of a page is damaged")

    def _byte(self) -> int:
        self._pass(1)
        return self._contents[self.place - 1]

    def _pass(self, length: int) -> None:
        if length > self._end - self.place:
            raise ValueError("the header of a page is longer than its column")
        self.place += length

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the last byte
                return number
            if shift > 63:  # noqa: PLR2004 - bits
                raise ValueError("the header of a page is damaged")

    def _zigzag(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
