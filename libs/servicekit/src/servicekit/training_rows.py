"""A sketch of the rows that a model was trained on, sealed with the model.

A model that is measured on its own training rows looks better than it is. The sketch keeps the
smallest 64-bit digests of the training rows, so that such rows can be recognised and counted later:
all digests of a small table, a uniform sample of a large one (bottom-k sampling, Cohen and Kelley,
"Summarizing data using bottom-k sketches", PODC 2007). It holds no values. With a complete row, one
can test whether it is among them, so the sketch is as confidential as membership in the training
data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from typing import Final, Self

from pydantic import JsonValue

ROW_SKETCH: Final = "row_sketch"
"""The key of a sketch in the ``data`` of a model's manifest."""

# 16,384 digests are 280 kB of JSON; of a larger table they estimate a share to within 0.8 points.
MAX_DIGESTS: Final = 16_384
_BYTES: Final = 8
_LARGEST: Final = 2 ** (8 * _BYTES) - 1


@dataclass(frozen=True)
class Overlap:
    """The number of rows of a table that a model was trained on.

    Attributes:
        rows: Number of rows in the table.
        compared: Number of rows that could be compared: all, or a uniform sample if training had
            more rows than the sketch keeps.
        seen: Number of compared rows that the model was trained on.
    """

    rows: int
    compared: int
    seen: int

    @property
    def share(self) -> float:
        """The share of rows that the model was trained on; an estimate if not all were compared."""
        return self.seen / self.compared if self.compared else 0.0

    def sentence(self, rows: str) -> str:
        """The overlap as a sentence.

        Args:
            rows: The rows in the plural, such as ``customers``.
        """
        if not self.seen:
            return f"None of the {self.rows:,} {rows} is among those that the model was trained on."
        about = "About " if self.compared < self.rows else ""
        return (
            f"{about}{self.share:.1%} of the {self.rows:,} {rows} are among those that the model "
            "was trained on: the figures flatter it. Measure it on others."
        )

    def to_json(self) -> dict[str, JsonValue]:
        """The overlap as a report records it."""
        return {
            "rows": self.rows,
            "compared": self.compared,
            "seen": self.seen,
            "share": self.share,
        }


@dataclass(frozen=True)
class RowSketch:
    """The digests of training rows, or a uniform sample of them.

    Attributes:
        rows: Number of different training rows.
        digests: The smallest of their digests, at most `MAX_DIGESTS`.
    """

    rows: int
    digests: frozenset[int]

    @classmethod
    def of(cls, digests: Iterable[int]) -> Self:
        """The sketch of a training's rows.

        Args:
            digests: One digest per row, from `digest_rows`.
        """
        distinct = sorted(set(digests))
        return cls(len(distinct), frozenset(islice(distinct, MAX_DIGESTS)))

    @cached_property
    def bound(self) -> int:
        """The largest digest that the sketch would contain."""
        return _LARGEST if self.rows <= len(self.digests) else max(self.digests)

    def seen(self, digest: int) -> bool | None:
        """Whether a row is a training row; None if the sketch cannot tell.

        Args:
            digest: The row's digest, made like those of the training.
        """
        return digest in self.digests if digest <= self.bound else None

    def overlap(self, digests: Iterable[int]) -> Overlap:
        """The overlap with the rows of another table.

        Args:
            digests: One digest per row, made like those of the training.
        """
        bound = self.bound
        rows = compared = seen = 0
        for digest in digests:
            rows += 1
            compared += digest <= bound
            seen += digest in self.digests
        return Overlap(rows, compared, seen)

    def to_json(self) -> dict[str, JsonValue]:
        """The sketch as a manifest records it."""
        return {
            "rows": self.rows,
            "digests": [f"{digest:0{2 * _BYTES}x}" for digest in sorted(self.digests)],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, JsonValue]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is not a sketch.
        """
        rows, digests = document.get("rows"), document.get("digests")
        if not isinstance(rows, int) or not isinstance(digests, list):
            raise ValueError(  # noqa: TRY004 - a document that is no sketch, whatever it is
                "a row sketch has a number of rows and a list of digests"
            )
        kept = frozenset(int(str(digest), 16) for digest in digests)
        if len(kept) != min(rows, MAX_DIGESTS):
            raise ValueError(f"a row sketch of {rows} rows has {len(kept)} digests")
        return cls(rows, kept)


def digest_rows(rows: Iterable[str]) -> list[int]:
    """Digest rows.

    Args:
        rows: Each row as a canonical text: equal rows must have equal texts, from any file format.

    Returns:
        One 64-bit number per row (BLAKE2b, RFC 7693).
    """
    return [
        int.from_bytes(blake2b(row.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest())
        for row in rows
    ]
