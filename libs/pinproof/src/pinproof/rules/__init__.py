"""The rules. Each is a module named after its code, with its documentation as docstring."""

import inspect
from collections.abc import Iterator
from typing import Protocol

from pinproof.repository.reader import Repository
from pinproof.rules import pin001, pin002, pin003, pin004, pin005, pin006, pin007, pin008
from pinproof.violations import Violation

__all__ = ["RULES", "Rule", "documentation", "summary"]


class Rule(Protocol):
    """The interface of a rule's module."""

    CODE: str
    __doc__: str | None

    def check(self, repository: Repository, /) -> Iterator[Violation]:
        """Yield every violation of this rule."""


RULES: tuple[Rule, ...] = (pin001, pin002, pin003, pin004, pin005, pin006, pin007, pin008)


def documentation(rule: Rule) -> str:
    """The documentation of a rule."""
    return inspect.cleandoc(rule.__doc__ or "")


def summary(rule: Rule) -> str:
    """The first line of the documentation."""
    return documentation(rule).partition("\n")[0]
