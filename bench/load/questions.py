"""The questions that a load test asks, and what their answers must be.

A service describes its mix in ``load/locustfile.py``: kinds of questions, each with a weight and a
fixed list of questions.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any, Final

PROBLEM: Final = "application/problem+json"
OK: Final = 200
INVALID: Final = 422
# Contributions sum to a total within this, absolute and relative.
TOLERANCE: Final = 1e-6

Facts = dict[str, object]
"""Parts of an answer that must be the same each time, by names that are unique in the service."""


class WrongAnswerError(Exception):
    """An answer is wrong; the message says how, without the answer's own values."""


class NotProvenError(WrongAnswerError):
    """The answer says that there is no proven model; it is right while a model is replaced."""


@dataclass(frozen=True)
class Answer:
    """An answer to a question.

    Attributes:
        body: Its JSON.
        headers: Its headers, with names in lower case.
    """

    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """A request, and the check of its answer.

    Attributes:
        path: Path and query.
        check: Raises WrongAnswerError, or returns what must be the same each time.
        body: JSON to send with POST; None for a GET.
        status: The status of the answer.
    """

    path: str
    check: Callable[[Answer], Facts]
    body: object = None
    status: int = OK

    @property
    def method(self) -> str:
        """The method of the request."""
        return "GET" if self.body is None else "POST"

    @property
    def payload(self) -> bytes:
        """The body of the request; empty for a GET."""
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Kind:
    """Questions of one kind.

    Attributes:
        name: The name in reports.
        weight: How often they are asked, compared with the other kinds.
        questions: The questions; each time, a random one is asked.
    """

    name: str
    weight: int
    questions: Sequence[Question]


def require(holds: bool, what: str) -> None:
    """Raise WrongAnswerError unless a condition holds."""
    if not holds:
        raise WrongAnswerError(what)


def require_sum(parts: Sequence[float], total: float, what: str) -> None:
    """Raise WrongAnswerError unless parts sum to a total."""
    holds = isclose(sum(parts), total, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    require(holds, f"{what} do not sum to their total")


def require_range(value: float, low: float, high: float, name: str) -> None:
    """Raise WrongAnswerError unless a number is in a range."""
    require(low <= value <= high, f"{name} is not from {low:g} to {high:g}")


def invalid(path: str, body: object = None) -> Question:
    """A question that must be refused with 422 and a problem document that lists the errors."""

    def check(answer: Answer) -> Facts:
        problem = answer.body
        kind = answer.headers.get("content-type", "").partition(";")[0]
        require(kind == PROBLEM, "the refusal is not a problem document")
        require(problem["status"] == INVALID, "the refusal has another status in its body")
        require(problem["type"] == "urn:problem-type:validation", "the refusal has another type")
        require(bool(problem["errors"]), "the refusal lists no errors")
        return {f"invalid {path} {json.dumps(body)}": problem["errors"]}

    return Question(path, check, body, INVALID)


def model_info() -> Question:
    """The question which model is served; it must be a proven one."""

    def check(answer: Answer) -> Facts:
        info = answer.body
        if info["manifest"] is None:
            raise NotProvenError("there is no proven model")
        return {"model_info": [info["verdict"], info["sha256"], info["manifest"]["version"]]}

    return Question("/model_info", check)
