"""The rules. Each is a module named after its code, and its docstring is its documentation."""

import inspect
from collections.abc import Iterator
from typing import Protocol

from pinproof.repository.loading import Repository
from pinproof.rules import pin001, pin002, pin003, pin004, pin005, pin006, pin007, pin008
from pinproof.violations import Violation

__all__ = ["RULES", "Rule", "documentation", "summary"]


class Rule(Protocol):
    """What the module of a rule offers."""

    CODE: str
    __doc__: str | None

    def check(self, repository: Repository, /) -> Iterator[Violation]:
        """Yield every violation of this rule."""


RULES: tuple[Rule, ...] = (pin001, pin002, pin003, pin004, pin005, pin006, pin007, pin008)


def documentation(rule: Rule) -> str:
    """What the rule forbids, why, and what to do instead."""
    return inspect.cleandoc(rule.__doc__ or "")


def summary(rule: Rule) -> str:
    """What the rule forbids, in one line."""
    return documentation(rule).partition("\n")[0]
