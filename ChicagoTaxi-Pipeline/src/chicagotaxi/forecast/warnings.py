"""Warnings that a forecast is less reliable than others, and their codes in a batch."""

from typing import Final

from servicekit.answer_warnings import AnswerWarning

NOT_IN_TRAINING: Final = "area_not_in_training"
OUTSIDE: Final = "level_outside_training"
HOLED: Final = "history_holed"

WARNINGS_BY_CODE: Final = {
    one.code: one
    for one in (
        AnswerWarning(
            code=NOT_IN_TRAINING,
            field="pickup_community_area",
            message="The model was not trained on this area: its forecast uses only its history.",
        ),
        AnswerWarning(
            code=OUTSIDE,
            field="history",
            message="In the last seven days the area had more than twice the trips of its busiest "
            "week in training, or less than half of those of its quietest.",
        ),
        AnswerWarning(
            code=HOLED,
            field="history",
            message="Less than half of the area's last eight weeks is known, or of its last seven "
            "days.",
        ),
    )
}


def read_cell(cell: str) -> list[AnswerWarning]:
    """The warnings that a cell names.

    Raises:
        KeyError: This release does not know one of them.
    """
    return [WARNINGS_BY_CODE[one.partition(":")[0]] for one in cell.split(";")] if cell else []
