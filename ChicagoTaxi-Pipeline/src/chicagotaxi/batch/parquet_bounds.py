"""How much a Parquet file unpacks to, known from its footer and page headers before it is read.

A footer may say less than its pages hold, so that the headers of all pages are read, too; a page
cannot unpack to more than its header says, because a reader makes that much room for it. Headers
are structs of Thrift's compact protocol, as Parquet's format has them:
https://github.com/apache/parquet-format (``PageHeader``).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_UNCOMPRESSED_SIZE: Final = 2
_COMPRESSED_SIZE: Final = 3
# Of the format's own structs, none is nested more deeply.
_MAX_DEPTH: Final = 8

# Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12,
)  # fmt: skip
_VARINTS: Final = (_I16, _I32, _I64)
_LONG_LIST: Final = 15


class UnboundedError(Exception):
    """A file unpacks to more than it says, or than it may."""


def unpacked_bytes(contents: bytes, metadata: "pq.FileMetaData") -> int:
    """How many bytes all pages of a file unpack to.

    Dictionary-encoded columns may become larger than this when their values are put in their
    places.

    Args:
        contents: The whole file.
        metadata: Its footer.

    Raises:
        UnboundedError: The pages of a column unpack to more than the footer says.
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
            # The footer counts the headers, too.
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
    """Reads a struct of the compact protocol.

    Attributes:
        place: Where the next byte is.
    """

    def __init__(self, contents: bytes, place: int, end: int) -> None:
        self.place = place
        self._contents = contents
        self._end = end

    def struct(self, depth: int) -> dict[int, int]:
        """The whole numbers of a struct by their fields; anything else is passed over."""
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
