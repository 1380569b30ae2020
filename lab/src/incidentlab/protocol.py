"""What the laboratory asks a process in another environment, and what that answers."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Answer", "Opening", "Read", "Reading", "Request", "Served", "Write", "Writing"]


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
    """What was written: the probabilities of the scored customers, as they should be."""

    action: Literal["write"] = "write"
    probabilities: tuple[float, ...]
    versions: dict[str, str]


class Read(_Message):
    """Read a model in this environment: guarded, by its golden customers alone, unguarded."""

    action: Literal["read"] = "read"
    model: Path
    scored: Path


class Opening(_Message):
    """What a guard said.

    Attributes:
        code: Why it refused; None where it opened.
        message: The refusal in words.
        unpickled: Whether anything was unpickled until then.
    """

    code: str | None
    message: str | None
    unpickled: bool


class Served(_Message):
    """What a service without a guard did.

    Attributes:
        fails_at: Where it died; None where it answered.
        error: What it died of.
        warnings: What it warned of while it loaded and predicted.
        probabilities: What it answered for the scored customers.
    """

    fails_at: Literal["load", "predict"] | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None


class Reading(_Message):
    """What happened in this environment.

    Attributes:
        opening: What `modelseal.open_sealed` said.
        served: What a service without a guard did.
        golden: What replaying the golden customers alone says, whatever the versions.
        versions: What runs here.
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
