"""The golden set: records for which a sealed model must repeat its answers of training time.

The records are synthetic, because many people can read a manifest. The answers of all code paths
are declared equal, so that a model whose paths disagree is neither sealed nor opened.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelseal import Agreement, GoldenSet, Tolerance

from {{ package }}.model import Predictor
from {{ package }}.sample import generate_sample
from {{ package }}.schema import CATEGORIES, NUMBERS, Record, example

ORDINARY: Final = 24

# Sums of floats differ only in their last digits between processors.
_TOLERANCE: Final = Tolerance(absolute=1e-9)


def golden_records() -> list[Record]:
    """Records with every bound, every level and unknown values, and ordinary ones."""
    ordinary, _ = generate_sample(ORDINARY, seed=7)
    return [*_extremes(), *ordinary]


def make_golden_set(predictor: Predictor, records: Sequence[Record]) -> GoldenSet:
    """Records and a loaded model's answers."""
    inputs = tuple(record.model_dump(mode="json") for record in records)
    outputs = {name: tuple(values) for name, values in predictor.replay(inputs).items()}
    paths = tuple(name for name in outputs if name.endswith("_probability"))
    return GoldenSet(
        inputs=inputs,
        outputs=outputs,
        tolerances=dict.fromkeys(outputs, _TOLERANCE),
        agreements=(Agreement(outputs=paths, tolerance=_TOLERANCE),),
    )


def _extremes() -> Iterator[Record]:
    ordinary: dict[str, Any] = example()
    for name, levels in CATEGORIES.items():
        for level in levels:
            yield Record.model_validate(ordinary | {name: level})
    for name, number in NUMBERS.items():
        for value in (number.low, number.high, *([None] if number.nullable else [])):
            yield Record.model_validate(ordinary | {name: value})
