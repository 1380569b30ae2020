"""Parts of the commands ``split`` and ``score`` of a service, which ``modelwatch challenge`` runs.

``split`` holds out rows that a model was not trained on. ``score`` writes a CSV file with a row for
each held-out row, in their order:

* ``row``: name of the row, such as its digest;
* ``trained_on``: whether the model was trained on it: ``yes``, ``no`` or ``unknown``;
* ``outcome``: its outcome;
* ``output.NAME``: an output of the model;
* ``group.NAME``: its group in a grouping;
* ``block``: optional; rows of the same block are not independent;
* ``cpu_us``: CPU time of its answer in microseconds; empty where no answer was timed.
"""

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from modelseal.manifest import Manifest

from servicekit.files import DataError, write_file
from servicekit.training_rows import ROW_SKETCH, RowSketch

__all__ = [
    "TIMED",
    "ScoredRows",
    "find_trained_on",
    "hold_out",
    "row_names",
    "time_answers",
    "write_scores",
]

_HELD_OUT_SHARE: Final = 0.2
"""Share of the rows that is held out, if the model was not trained on as many."""

TIMED: Final = 100
"""Answers that are timed."""

_REPEATS: Final = 5
_SEEN: Final = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True)
class ScoredRows:
    """Scored rows.

    Attributes:
        rows: Name of each row: its digest as text, or another one that is unique.
        trained_on: Whether the model was trained on each row; None if that is unknown.
        outcomes: Outcome of each row.
        outputs: Outputs of each row, by name.
        groups: Group of each row, by grouping.
        blocks: Block of each row; None if all rows are independent.
    """

    rows: Sequence[str]
    trained_on: Sequence[bool | None]
    outcomes: Sequence[float | str]
    outputs: Mapping[str, Sequence[float | str]]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    blocks: Sequence[str] | None = None


def row_names(digests: Iterable[int]) -> list[str]:
    """Names of rows, from their digests."""
    return [f"{digest:016x}" for digest in digests]


def find_trained_on(digests: Iterable[int], manifest: Manifest) -> list[bool | None]:
    """Whether a model was trained on each row, by the digests that are sealed with it."""
    sketch = _read_sketch(manifest)
    return [sketch.seen(digest) if sketch else None for digest in digests]


def hold_out(digests: Sequence[int], manifest: Manifest) -> list[bool]:
    """Choose the rows to hold out: about a fifth, which a model was certainly not trained on.

    Equal rows are chosen together. The choice depends on the digests only, so that a larger table
    gives mostly the same rows again.

    Args:
        digests: Digest of each row.
        manifest: Manifest of the model.

    Returns:
        Whether each row is held out. They are fewer if the model was trained on more.

    Raises:
        DataError: The model does not record its training rows, or was trained on all of these.
    """
    sketch = _read_sketch(manifest)
    if sketch is None:
        raise DataError(
            f"{manifest.name} {manifest.version} does not record its training rows, so that no row "
            "is certainly unseen by it. Train it again."
        )
    counted: dict[int, int] = {}
    for digest in digests:
        if sketch.seen(digest) is False:
            counted[digest] = counted.get(digest, 0) + 1
    limit, rows = _HELD_OUT_SHARE * len(digests), 0
    chosen: set[int] = set()
    for digest in sorted(counted):
        if rows >= limit:
            break
        chosen.add(digest)
        rows += counted[digest]
    if not chosen:
        raise DataError(
            f"None of these rows is certainly unseen by {manifest.name} {manifest.version}: none "
            "can be held out. Give rows that came later."
        )
    return [digest in chosen for digest in digests]


def time_answers(answer: Callable[[int], object], rows: int) -> list[float]:
    """Time single answers.

    Args:
        answer: Answers the row of this number, as the service answers a request.
        rows: Number of rows; at most `TIMED` of them are timed.

    Returns:
        CPU time of each timed row's answer in microseconds, the least of several.
    """
    found = []
    for row in range(min(rows, TIMED)):
        times = []
        for _ in range(_REPEATS):
            begin = time.process_time_ns()
            answer(row)
            times.append(time.process_time_ns() - begin)
        # The clock may have a resolution of a microsecond.
        found.append(max(min(times), 1) / 1_000)
    return found


def write_scores(path: Path, rows: ScoredRows, *, cpu_us: Sequence[float]) -> None:
    """Write the scores of a model.

    Args:
        path: The file.
        rows: The scored rows.
        cpu_us: CPU time of the first rows' answers, from `time_answers`.

    Raises:
        DataError: The file cannot be written.
    """
    columns: dict[str, Sequence[object]] = {
        "row": rows.rows,
        "trained_on": [_SEEN[one] for one in rows.trained_on],
        "outcome": rows.outcomes,
        **{f"output.{name}": values for name, values in rows.outputs.items()},
        **{f"group.{name}": values for name, values in rows.groups.items()},
        **({"block": rows.blocks} if rows.blocks is not None else {}),
        "cpu_us": [*cpu_us, *[""] * (len(rows.rows) - len(cpu_us))],
    }
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write_file(path, text.getvalue().encode())


def _read_sketch(manifest: Manifest) -> RowSketch | None:
    """The training rows that a manifest records; None if it records none."""
    document = manifest.data.get(ROW_SKETCH)
    return RowSketch.from_json(document) if isinstance(document, dict) else None
