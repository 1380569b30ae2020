"""Violations, and the report of a check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Violation:
    """A violation of one rule in one place.

    Attributes:
        path: The file, relative to the root, with "/" between folders.
        line: The line number, from 1.
        code: The code of the rule, such as `PIN001`.
        message: The violation and the remedy, on one line.
        distribution: The distribution in PEP 503 form, if it is about one.
    """

    path: str
    line: int
    code: str
    message: str
    distribution: str | None = None

    def __post_init__(self) -> None:
        """Keep both texts on one line: they quote files and file names."""
        object.__setattr__(self, "path", _printable(self.path))
        object.__setattr__(self, "message", _printable(self.message))


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check.

    Attributes:
        violations: The violations, sorted by file, line and code.
        read: The number of files of each kind that were read.
        unread: The number of files of each kind that pin or install something that is not read.
        skipped: The folders of installed packages and of tools, which are not read.
        unusable: Whether a file could not be checked at all.
        unused: The entries of `pins.toml` that do nothing, a line each.
    """

    violations: tuple[Violation, ...]
    read: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    unusable: bool = False
    unused: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """The number of files that were read."""
        return sum(self.read.values())

    @property
    def result(self) -> str:
        """The result in one line."""
        read = _count(self.files, "file")
        if not self.violations:
            return f"The pins are clean: {read} read."
        faulty = sum(1 for _ in groupby(self.violations, key=lambda violation: violation.path))
        return (
            f"{_count(len(self.violations), 'violation')} in {_count(faulty, 'file')}; {read} read."
        )

    @property
    def coverage(self) -> tuple[str, ...]:
        """What was read, what was not read, and what was skipped, a line each."""
        skipped = ", ".join(map(_printable, self.skipped[:_NAMED]))
        more = len(self.skipped) - _NAMED
        return tuple(
            line
            for line, some in (
                (f"Read: {_listed(self.read)}.", self.read),
                (f"Not read: {_listed(self.unread)}.", self.unread),
                (f"Skipped: {skipped}{f' and {more} more' if more > 0 else ''}.", self.skipped),
            )
            if some
        )

    @property
    def summary(self) -> str:
        """The result, and what it is about."""
        return "\n".join((self.result, *self.coverage))


# Skipped folders that are named.
_NAMED = 5


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number})" for name, number in counts.items())


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
