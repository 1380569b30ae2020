"""Finds the documents and entries of YAML that may call an installer, and parses no others."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from pinproof.repository.installer_words import install_places, places_of
from pinproof.rules.install_commands.calls import starts

# Entries that are smaller are not divided.
_SMALL = 4096
# What a command may need from other entries: settings, packages that a key installs, and anchors.
_NEEDED = (
    b"PIP_",
    b"UV_",
    b"channels",
    b"dependencies",
    b"deps",
    b"packages",
    b"requirements",
    b" &",
)
_DOCUMENT = re.compile(r"\n(?=---\s)")
# The indentation of the first entry, and the indicator of an item if it is one.
_FIRST = re.compile(r"(?:(?:---)?[ \t]*(?:#.*)?\n)*( *)(- +(?=\S))?")
_ITEM = re.compile(r" *-")
_KEY = re.compile(r" *(- +)?[\"']?([^\s\"':]+)[\"']?:(?=\s)([ \t]*\n)?")


def relevant_documents(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each document that may call an installer: the lines before it, it, and what matters.

    In what matters of a large document, line breaks replace the entries without a command.
    """
    # A byte for each character, so that the places are those of the text.
    data = text.encode("ascii", "replace")
    found = sorted(install_places(data))
    begins = [0, *(found.end() for found in _DOCUMENT.finditer(text)), len(text)]
    line = last = 0
    for index in sorted({bisect_right(begins, place) - 1 for place in found}):
        start, end = begins[index : index + 2]
        line += text.count("\n", last, start)
        last = start
        places = found[bisect_left(found, start) : bisect_left(found, end)]
        needed = _NEEDED if end - start > _SMALL else ()
        places += [place for part in needed for place in places_of(data, part, start, end)]
        yield line, text[start:end], "".join(_Entries(text, sorted(places)).kept(start, end))


class _Entries:
    """The entries of a text, by their indentation, and the places in it that are of commands."""

    def __init__(self, text: str, places: Sequence[int]) -> None:
        self._text = text
        self._places = places

    def kept(self, start: int, end: int) -> Iterator[str]:
        """Yield the lines of a mapping or a list, with line breaks in place of some entries."""
        first = _FIRST.match(self._text, start, end)
        if end - start <= _SMALL or first is None:
            yield self._text[start:end]
        else:
            yield from self._divided(start, first.start(1), end, first[1], is_list=bool(first[2]))

    def _divided(
        self, start: int, first: int, end: int, indent: str, *, is_list: bool = False
    ) -> Iterator[str]:
        """Yield the lines of entries, given where the first begins, and their indentation."""
        # The items of a list may have the indentation of its key.
        following = r"-\s" if is_list else r"[^\s#\]}-]"
        border = re.compile(rf"\n(?={indent}{following})")
        places = self._between(start, end)
        # The first entry of an item is in the line with its indicator.
        if not is_list and _ITEM.match(self._text, first):
            places = sorted((first, *places))
        blocks = list(self._blocks(border, places, first, end, indent))
        starts_before = places and places[0] < first
        if starts_before or any(self._is_part(begin, is_list=is_list) for begin, _ in blocks):
            # A command has words in several entries of a mapping, or in the items of a list.
            yield self._text[start:end]
            return
        for begin, stop in blocks:
            yield "\n" * self._text.count("\n", start, begin)
            yield from self._entry(begin, stop, is_list=is_list)
            start = stop
        yield "\n" * self._text.count("\n", start, end)

    def _blocks(
        self, border: re.Pattern[str], places: Sequence[int], first: int, end: int, indent: str
    ) -> Iterator[tuple[int, int]]:
        """Yield where the entries with places begin and end, given what is before an entry.

        Only the entries near to the places are searched for: there may be very many others.
        """
        begin = stop = first
        for place in places:
            if place >= stop:
                before = place
                while (before := self._text.rfind(f"\n{indent}", stop, before + len(indent))) >= 0:
                    if border.match(self._text, before, end):
                        break
                begin = stop if before < 0 else before + 1
                after = border.search(self._text, place, end)
                stop = after.end() if after else end
                yield begin, stop

    def _entry(self, start: int, end: int, *, is_list: bool) -> Iterator[str]:
        key = _KEY.match(self._text, start, end)
        item = _FIRST.match(self._text, start, end)
        if end - start > _SMALL and is_list and item and item[2]:
            yield from self._divided(start, start, end, " " * len(item[0]))
        elif end - start > _SMALL and key and key[3] and not self._between(start, key.end()):
            yield key[0]
            yield from self.kept(key.end(), end)
        else:
            yield self._text[start:end]

    def _between(self, start: int, end: int) -> Sequence[int]:
        return self._places[bisect_left(self._places, start) : bisect_left(self._places, end)]

    def _is_part(self, start: int, *, is_list: bool) -> bool:
        """Whether an entry may have only a part of a command."""
        key = _KEY.match(self._text, start)
        return key is None or (starts(key[2]) and not is_list)
