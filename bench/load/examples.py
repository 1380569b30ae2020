"""Keeps one example of each kind of failure, for people who look for its cause."""

from typing import Any, Final

from questions import Question

_MOST: Final = 20
_TEXT: Final = 2000


class FailureExamples:
    """The first failures, one for each message.

    Attributes:
        found: JSON objects with ``failure``, ``request`` and ``answer``.
    """

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def note(self, why: str, question: Question, answer: str) -> None:
        """Keep a failure, unless there is one with this message."""
        if why in self.found or len(self.found) == _MOST:
            return
        self.found[why] = {
            "failure": why,
            "request": f"{question.method} {question.path}",
            "body": question.payload.decode()[:_TEXT],
            "answer": answer[:_TEXT],
        }
