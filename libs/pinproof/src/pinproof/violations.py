"""Violations, and the report of a check."""

from dataclasses import dataclass
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
        files: Number of files that were read.
        unusable: Whether a file could not be checked at all.
        unused: The entries of `pins.toml` that do nothing, a line each.
    """

    violations: tuple[Violation, ...]
    files: int
    unusable: bool
    unused: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The result in one line."""
        read = _count(self.files, "file")
        if not self.violations:
            return f"The pins are clean: {read} read."
        faulty = sum(1 for _ in groupby(self.violations, key=lambda violation: violation.path))
        return (
            f"{_count(len(self.violations), 'violation')} in {_count(faulty, 'file')}; {read} read."
        )


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
