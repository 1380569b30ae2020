"""Meaning of labels in files: names, and numbers with a declared meaning.

Names are read in any case. Public files number the same classes in different orders, and reading a
file in the wrong order gives a plausible but wrong model. So the meaning of numbers must be
declared, by a preset or number by number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from servicekit.files import DataError
from servicekit.numbers import parse_number
from servicekit.rows import RowError, RowErrors

from nlpinsight.data.rows import shorten
from nlpinsight.schema import LABELS, NUMBERINGS, Label, label_named

ASCENDING: Final = "ascending"

# An odd number of labels may also be numbered around zero.
_FIRST: Final = (*([-(len(LABELS) // 2)] if len(LABELS) % 2 else []), 0, 1)
_ASCENDING: Final[tuple[Mapping[float, Label], ...]] = tuple(
    {float(first + place): label for place, label in enumerate(LABELS)} for first in _FIRST
)
_PRESETS: Final = {name: (one,) for name, one in NUMBERINGS.items()} | {ASCENDING: _ASCENDING}
_SHOWN_NUMBERS: Final = 10
_SHOWN_TEXTS: Final = 2


def shown_number(number: float) -> str:
    """A number as people write it: 1, not 1.0."""
    return str(int(number)) if number.is_integer() else repr(number)


def _shown_presets() -> str:
    numberings = [
        f"{name} ({', '.join(f'{shown_number(number)} {one[number]}' for number in one)})"
        for name, one in NUMBERINGS.items()
    ]
    orders = " or ".join(", ".join(map(shown_number, one)) for one in _ASCENDING)
    return ", ".join([*numberings, f"{ASCENDING} ({orders} for {', '.join(LABELS)})"])


PRESETS: Final = _shown_presets()
"""The presets of ``--labels`` and what they mean."""

_HOW: Final = (
    f"Give {PRESETS}, or each number, such as "
    f"{','.join(f'{number}={label}' for number, label in enumerate(LABELS))}."
)


@dataclass(frozen=True)
class LabelMap:
    """Meaning of labels that are numbers.

    Attributes:
        given: The value of ``--labels``.
        candidates: Possible meanings; if a preset has several, a file's numbers decide.
    """

    given: str
    candidates: tuple[Mapping[float, Label], ...]

    def meaning(self, numbers: Sequence[float]) -> Mapping[float, Label] | None:
        """The meaning of a file's numbers; None unless exactly one fits."""
        fitting = [one for one in self.candidates if one.keys() >= set(numbers)]
        return fitting[0] if len(fitting) == 1 else None

    @property
    def expected(self) -> str:
        """The valid numbers, for an error message."""
        meanings = " or ".join(
            ", ".join(f"{shown_number(number)} ({label})" for number, label in one.items())
            for one in self.candidates
        )
        return f"one of {meanings}, as --labels {self.given} says"


@dataclass
class NumberedTexts:
    """The labels of a file that are numbers, each with its rows and first texts."""

    rows: dict[float, list[int]] = field(default_factory=dict)
    examples: dict[float, list[str]] = field(default_factory=dict)

    def add(self, number: float, row: int, text: str) -> None:
        """Add a text whose label is a number."""
        self.rows.setdefault(number, []).append(row)
        texts = self.examples.setdefault(number, [])
        if len(texts) < _SHOWN_TEXTS:
            texts.append(text)

    @property
    def numbers(self) -> list[float]:
        """The numbers, in ascending order."""
        return sorted(self.rows)

    def meaning(self, source: Path, given: LabelMap | None) -> Mapping[float, Label]:
        """The meaning of the numbers; empty if there are none.

        Args:
            source: The file.
            given: The value of ``--labels``, if any.

        Raises:
            DataError: They have no meaning, or several.
        """
        if not self.rows:
            return {}
        if given is None:
            raise self._refusal(source, given)
        meaning = given.meaning(self.numbers)
        if meaning is None and len(given.candidates) > 1:
            raise self._refusal(source, given)
        if meaning is None:
            raise self._missing(source, given)
        return meaning

    def _missing(self, source: Path, given: LabelMap) -> DataError:
        """The error for rows with a number that the only meaning lacks."""
        errors = RowErrors()
        for number in self.numbers:
            if number not in given.candidates[0]:
                value = shown_number(number)
                rows = self.rows[number]
                errors.add([RowError("label", row, value, given.expected) for row in rows])
        return errors.refusal(source)

    def _refusal(self, source: Path, given: LabelMap | None) -> DataError:
        """The error for numbers of unknown meaning, with the presets that fit."""
        meanings = {
            name: LabelMap(name, candidates).meaning(self.numbers) or {}
            for name, candidates in _PRESETS.items()
        }
        lines = []
        for number in self.numbers[:_SHOWN_NUMBERS]:
            either = ", ".join(
                f"{meaning[number]} with --labels {name}" if number in meaning else ""
                for name, meaning in meanings.items()
            ).strip(", ")
            texts = ", ".join(shorten(text) for text in self.examples[number])
            count = len(self.rows[number])
            rows = f"{count:,} row{'s' if count != 1 else ''}"
            lines.append(f"  {shown_number(number)}: {either or 'in no preset'}; {rows}: {texts}")
        if (more := len(self.rows) - _SHOWN_NUMBERS) > 0:
            lines.append(f"  and {more:,} more numbers; scores must be made classes first")
        if given is None:
            why = "labels are numbers, and files number the classes in different orders"
        else:
            why = f"--labels {given.given} does not settle what the numbers mean"
        return DataError(
            f"{source}: {why}. Say with --labels what they mean:\n"
            + "\n".join(lines)
            + f"\n{_HOW} Look at the texts to tell which is right. Nothing was written."
        )


def parse_label_map(given: str) -> LabelMap:
    """Parse the value of ``--labels``.

    Args:
        given: A preset, or ``NUMBER=LABEL`` joined by commas.

    Raises:
        DataError: It is neither, repeats a number, or gives one label to two numbers.
    """
    if given in _PRESETS:
        return LabelMap(given, _PRESETS[given])
    meaning: dict[float, Label] = {}
    for pair in given.split(","):
        number, label = _pair(given, pair)
        if number in meaning:
            raise DataError(f"--labels {given} names {shown_number(number)} twice. {_HOW}")
        if label in meaning.values():
            raise DataError(f"--labels {given} gives {label} to two numbers. {_HOW}")
        meaning[number] = label
    return LabelMap(given, (meaning,))


def read_label(value: object) -> Label | float | None:
    """The label or the number in a cell; None if it is neither.

    Args:
        value: A cell of CSV (a string) or of JSON (a string or a number).
    """
    if isinstance(value, int | float):
        value = repr(value)
    if not isinstance(value, str):
        return None
    name = value.strip()
    return label_named(name) or parse_number(name)


def _pair(given: str, pair: str) -> tuple[float, Label]:
    left, separator, right = pair.partition("=")
    number, label = parse_number(left), label_named(right)
    if not separator or number is None or label is None:
        raise DataError(f"--labels {given}: {shorten(pair)} is not NUMBER=LABEL. {_HOW}")
    return number, label


def describe(meaning: Mapping[float, Label]) -> dict[str, str]:
    """A meaning in the format of reports and manifests."""
    return {shown_number(number): label for number, label in meaning.items()}
