"""The two parts of a requirements file: direct pins, and transitive pins written by sync."""

from dataclasses import dataclass

MARKER_LINE = "# Transitive pins, kept by pinproof sync. Edit above this line only."
"""The line between the two parts."""


@dataclass(frozen=True, slots=True)
class PinFile:
    """The text of a requirements file in its two parts.

    Attributes:
        head: The text above the marker line, byte for byte.
        tail: The text below the marker line.
        first: The number of the first line of the tail; after the last line if there is none.
    """

    head: str
    tail: str
    first: int

    @classmethod
    def parse(cls, text: str) -> "PinFile":
        """Split a text at its marker line."""
        head = ""
        lines = text.split("\n")
        for number, line in enumerate(lines, start=1):
            if line.strip() == MARKER_LINE:
                return cls(head, "\n".join(lines[number:]), number + 1)
            head += f"{line}\n"
        return cls(text, "", len(lines) + 1)

    def with_tail(self, pins: list[str]) -> str:
        """The text with these pins below the marker line; without the line if there are none."""
        head = self.head.rstrip("\n")
        head = f"{head}\n" if head else ""
        if not pins:
            return head if self.tail else self.head
        return head + ("\n" if head else "") + "\n".join([MARKER_LINE, *pins]) + "\n"
