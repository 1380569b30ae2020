"""How the golden answers of two models differ, and what may explain it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from modelseal import GoldenValue, Manifest
from pydantic import JsonValue

__all__ = ["Movement", "find_changes", "find_movements"]

_MAX_CHANGES: Final = 20
_LONGEST: Final = 60


class Movement(NamedTuple):
    """How the answers of one golden output moved.

    Attributes:
        inputs: Number of golden inputs.
        moved: Number of inputs whose answer differs by more than the champion's tolerance.
        largest: Largest difference of numbers; 0 for labels.
        mean: Mean difference of numbers over all inputs; 0 for labels.
        at: Position of the input with the largest difference, or of the first one that moved.
    """

    inputs: int
    moved: int
    largest: float
    mean: float
    at: int | None


def find_movements(champion: Manifest, challenger: Manifest) -> dict[str, Movement] | None:
    """The movements of the outputs that both models have; None if their inputs differ."""
    if champion.golden.inputs != challenger.golden.inputs:
        return None
    found = {}
    for name, before in champion.golden.outputs.items():
        if name in challenger.golden.outputs:
            tolerance = champion.golden.tolerances[name]
            after = challenger.golden.outputs[name]
            moved = [
                not _same(one, other, tolerance.absolute, tolerance.relative)
                for one, other in zip(before, after, strict=True)
            ]
            sizes = [_difference(one, other) for one, other in zip(before, after, strict=True)]
            largest = max(sizes)
            at = sizes.index(largest) if largest > 0 else moved.index(True) if any(moved) else None
            found[name] = Movement(len(before), sum(moved), largest, sum(sizes) / len(sizes), at)
    return found


def find_changes(champion: Manifest, challenger: Manifest) -> list[str]:
    """What is recorded of the trainings and differs: code, data, parameters, guarded libraries."""
    return list(islice(_changes(champion, challenger), _MAX_CHANGES))


def _changes(champion: Manifest, challenger: Manifest) -> Iterator[str]:
    if champion.git_commit != challenger.git_commit:
        yield f"code {_short(champion.git_commit)} to {_short(challenger.git_commit)}"
    for part in ("data", "parameters"):
        before, after = (dict(_flat(getattr(one, part), part)) for one in (champion, challenger))
        yield from _different(before, after)
    if champion.python != challenger.python:
        yield f"Python {champion.python} to {challenger.python}"
    yield from _different(champion.guarded, challenger.guarded)


def _flat(value: JsonValue, name: str) -> Iterator[tuple[str, str]]:
    """The values of a document by their paths; lists as wholes."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, f"{name}.{key}")
    elif isinstance(value, list):
        digest = hashlib.sha256(json.dumps(value).encode()).hexdigest()
        yield name, f"{len(value)} values {digest[:8]}"
    else:
        yield name, str(value)


def _different(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one != other:
            yield f"{name} {_short(one)} to {_short(other)}"


def _short(text: str | None) -> str:
    if text is None:
        return "nothing"
    return text if len(text) <= _LONGEST else f"{text[:12]}…"


def _same(one: GoldenValue, other: GoldenValue, absolute: float, relative: float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    first, second = _vector(one), _vector(other)
    return len(first) == len(second) and all(
        abs(after - before) <= absolute + relative * abs(before)
        for before, after in zip(first, second, strict=True)
    )


def _difference(one: GoldenValue, other: GoldenValue) -> float:
    if isinstance(one, str) or isinstance(other, str):
        return 0.0
    pairs = zip(_vector(one), _vector(other), strict=False)
    return max((abs(after - before) for before, after in pairs), default=0.0)


def _vector(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)
