"""Warnings on single answers whose input lies outside the training data.

A model answers such an input like any other, and its number does not show that it is a guess. A
service marks the answer in a field ``warnings`` of JSON, or in a column of that name in files.
"""

from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

WARNINGS: Final = "warnings"
"""The name of the field in answers, and of the column in files."""


class AnswerWarning(BaseModel):
    """Why one answer deserves less trust than others.

    Attributes:
        code: A stable name of the reason, such as ``outside_training_range``.
        field: The field of the input that causes the warning.
        message: The reason as a sentence, with the value and the range of the training data.
    """

    model_config = ConfigDict(frozen=True)

    code: str = Field(pattern=r"^[a-z][a-z_]*$")
    field: str
    message: str


def as_cell(warnings: Iterable[AnswerWarning]) -> str:
    """Warnings as the cell of a table: ``code:field`` joined with ``;``, or nothing."""
    return ";".join(f"{warning.code}:{warning.field}" for warning in warnings)


def kinds_in_cell(cell: str) -> list[str]:
    """The warnings of a cell that `as_cell` wrote, each as ``code:field``."""
    return cell.split(";") if cell else []
