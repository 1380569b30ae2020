"""What the processes of service and challenger have in common."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from modelseal import OpenedModel

from modelwatch.schema import LogSchema

__all__ = ["Answer", "AnswerRows", "Challenger", "MakeAnswerer", "Rows", "codes_of"]


class _Warning(Protocol):
    """A warning of an answer, as servicekit has it."""

    @property
    def code(self) -> str: ...


class Answer(Protocol):
    """An answer to a row of a request. The outputs that are logged are its other attributes."""

    @property
    def warnings(self) -> Sequence[_Warning]:
        """Its warnings."""


AnswerRows = Callable[[Sequence[Any]], tuple[Sequence[Mapping[str, object]], Sequence[Answer]]]
"""Answers rows of requests; the logged features, and the answer, of each row."""

MakeAnswerer = Callable[[OpenedModel], AnswerRows]
"""Takes the opened challenger. A function of a module, which the shadow's process imports.

An error means that the model belongs to another service: it is refused.
"""


class Challenger(NamedTuple):
    """What the shadow's process is started with.

    Attributes:
        folder: The sealed challenger.
        sha256: SHA-256 that its manifest must have; None for any.
        signers: Public keys, of which one must have signed it; empty if none must.
        answerer: Module and name of the `MakeAnswerer`, with a colon between them.
        schema: What is logged.
        log: Address of the prediction log.
        flush_s: Seconds between two writes.
    """

    folder: Path
    sha256: str | None
    signers: tuple[str, ...]
    answerer: str
    schema: LogSchema
    log: str
    flush_s: float


class Rows(NamedTuple):
    """Rows of one request.

    Attributes:
        time: When the model in use answered them, in seconds since 1970.
        request_id: The id of the request.
        prediction_ids: The names of the answers, those of the model in use.
        rows: What the challenger gets: plain values that can be pickled.
    """

    time: float
    request_id: str
    prediction_ids: Sequence[str]
    rows: Sequence[Any]


def codes_of(answer: Answer) -> tuple[str, ...]:
    """The codes of the warnings of an answer."""
    # Most have no warnings: one empty tuple serves all of them.
    return tuple(warning.code for warning in answer.warnings) if answer.warnings else ()
