"""The requests to a process in another environment, and its answers."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Write(_Message):
    """Train a model, seal it, and score customers with the model in memory."""

    action: Literal["write"] = "write"
    model: Path
    training: Path
    scored: Path
    style: str
    trees: int


class Writing(_Message):
    """The result of `Write`: the right probabilities of the scored customers."""

    action: Literal["write"] = "write"
    probabilities: tuple[float, ...]
    versions: dict[str, str]


class Read(_Message):
    """Read a model in this environment: guarded, unguarded, and by its golden customers alone."""

    action: Literal["read"] = "read"
    model: Path
    scored: Path


class Opening(_Message):
    """The reaction of a guard.

    Attributes:
        code: The code of its refusal; None if it opened.
        message: The message of its refusal.
        unpickled: Whether anything was unpickled before.
    """

    code: str | None
    message: str | None
    unpickled: bool


class Served(_Message):
    """The behaviour of a service without a guard.

    Attributes:
        fails_at: The stage at which it failed; None if it answered.
        error: Its error.
        warnings: Its warnings while it loaded and predicted.
        probabilities: Its probabilities of the scored customers.
    """

    fails_at: Literal["load", "predict"] | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None


class Reading(_Message):
    """The result of `Read`.

    Attributes:
        opening: The reaction of `modelseal.open_sealed`.
        served: The behaviour of a service without a guard.
        golden: The result of replaying the golden customers without a check of versions.
        versions: The installed distributions.
    """

    action: Literal["read"] = "read"
    opening: Opening
    served: Served
    golden: Opening
    versions: dict[str, str]


class Request(BaseModel):
    """One question."""

    content: Write | Read


class Answer(BaseModel):
    """One answer."""

    content: Writing | Reading
