"""Compares answers: with the first one to the same question, or with those of sealed models."""

import json
from collections import Counter
from math import isclose
from pathlib import Path
from typing import Final

from questions import Facts, WrongAnswerError

# A batch may be computed in another order, or by another path, than one row.
TOLERANCE: Final = 1e-6


class Answers:
    """What the service answered to each question.

    Args:
        models: Recorded answers of sealed models, by a name for the model. With them, every answer
            must be, as a whole, that of one of these models. Without them, it must be the same as
            the first one to the same question.

    Attributes:
        by_model: Number of answers of each model.
    """

    def __init__(self, models: dict[str, Facts]) -> None:
        self._models = models
        self._first: Facts = {}
        self.by_model = Counter[str]()

    def compare(self, facts: Facts) -> None:
        """Compare an answer.

        Raises:
            WrongAnswerError: It is a different one.
        """
        # As it is in a file: without the difference between tuples and lists.
        facts = json.loads(json.dumps(facts))
        if not self._models:
            first = self._first
            for name, value in facts.items():
                if not is_same(first.setdefault(name, value), value):
                    raise WrongAnswerError("it differs from the first answer to the same question")
            return
        for model, known in self._models.items():
            if all(name in known and is_same(known[name], value) for name, value in facts.items()):
                self.by_model[model] += 1
                return
        raise WrongAnswerError("it is the answer of none of the sealed models")

    def write(self, path: Path) -> None:
        """Write the first answers to a file that `read_answers` reads."""
        path.write_text(json.dumps(self._first), encoding="utf-8")


def is_same(one: object, other: object) -> bool:
    """Whether two JSON values are the same, with numbers within `TOLERANCE`."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other


def read_answers(paths: list[Path]) -> dict[str, Facts]:
    """The recorded answers of models, by the names of their files."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
