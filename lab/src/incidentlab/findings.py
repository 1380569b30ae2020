"""The findings, one per incident, and the results file that documents quote."""

import math
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from modelseal.temporary_outputs import Temporary
from pydantic import BaseModel, ConfigDict

from incidentlab.incidents import Incident
from incidentlab.protocol import Reading, Served, Writing

THRESHOLD: Final = 0.5
NOTICEABLE: Final = 0.005


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IncidentVerdict(StrEnum):
    """The behaviour of an unguarded service in the reader's environment."""

    SAME = "nothing moves"
    ROUNDING = "moves by rounding"
    LOAD = "fails at load"
    PREDICT = "fails at predict"
    WRONG = "silently wrong"


class Comparison(_Record):
    """The answers of two environments to the same customers.

    Attributes:
        rows: Number of customers.
        moved: Number of customers whose probability is not bitwise equal.
        noticeable: Number of customers whose probability moved by 0.005 or more.
        flipped: Number of decisions at 0.5 that changed.
        largest: The largest difference.
        before: The writer's probability for the customer who moved most.
        after: The reader's probability for the same customer.
    """

    rows: int
    moved: int
    noticeable: int
    flipped: int
    largest: float
    before: float
    after: float


class Guards(_Record):
    """The reaction of the guards.

    Attributes:
        code: The code of the refusal by `modelseal.open_sealed`; None if it opened.
        message: The message of the refusal.
        unpickled: Whether anything was unpickled before.
        golden_code: The code of the refusal by the golden customers alone, without a check of
            versions.
        golden_message: The message of that refusal.
    """

    code: str | None
    message: str | None
    unpickled: bool
    golden_code: str | None
    golden_message: str | None


class IncidentFinding(_Record):
    """The result of one incident.

    Attributes:
        name: The incident's name.
        title: Its title.
        subject: The distribution that differs.
        written_by: Its version in the writer's environment.
        read_by: Its version in the reader's environment.
        verdict: The behaviour of the unguarded service.
        error: Its error, if it failed.
        warnings: Its warnings.
        comparison: Its answers compared with the right ones, if it answered.
        guards: The reaction of the seal.
    """

    name: str
    title: str
    subject: str
    written_by: str
    read_by: str
    verdict: IncidentVerdict
    error: str | None
    warnings: tuple[str, ...]
    comparison: Comparison | None
    guards: Guards


class Data(_Record):
    """A description of the data."""

    source: str
    rows: int
    unknown_tenure: int
    scored: int


class Results(_Record):
    """The results file."""

    machine: str
    data: Data
    trees: int
    reported: dict[str, str | float]
    findings: tuple[IncidentFinding, ...]


def find(incident: Incident, writing: Writing, reading: Reading) -> IncidentFinding:
    """The result of an incident, from the answers of the two environments."""
    served, comparison = reading.served, None
    if served.probabilities is not None:
        comparison = _compare(writing.probabilities, served.probabilities)
    return IncidentFinding(
        name=incident.name,
        title=incident.title,
        subject=incident.subject,
        written_by=_version(writing.versions, incident.subject),
        read_by=_version(reading.versions, incident.subject),
        verdict=_verdict(served, comparison),
        error=served.error,
        warnings=served.warnings,
        comparison=comparison,
        guards=Guards(
            code=reading.opening.code,
            message=reading.opening.message,
            unpickled=reading.opening.unpickled,
            golden_code=reading.golden.code,
            golden_message=reading.golden.message,
        ),
    )


def write_results(results: Results, path: Path) -> None:
    """Write the results file completely or not at all."""
    write_file(path, f"{results.model_dump_json(indent=2)}\n".encode())


def write_file(path: Path, contents: bytes) -> None:
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Temporary(path) as temporary:
        temporary.path.write_bytes(contents)
        temporary.put_file()


def _compare(right: Sequence[float], answered: Sequence[float]) -> Comparison:
    pairs = list(zip(right, answered, strict=True))
    before, after = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
    return Comparison(
        rows=len(pairs),
        moved=sum(one != other for one, other in pairs),
        noticeable=sum(abs(one - other) >= NOTICEABLE for one, other in pairs),
        flipped=sum((one >= THRESHOLD) != (other >= THRESHOLD) for one, other in pairs),
        largest=abs(before - after),
        before=before,
        after=after,
    )


def _verdict(served: Served, comparison: Comparison | None) -> IncidentVerdict:
    if comparison is None:
        return IncidentVerdict.LOAD if served.fails_at == "load" else IncidentVerdict.PREDICT
    if comparison.moved == 0:
        return IncidentVerdict.SAME
    return (
        IncidentVerdict.ROUNDING
        if math.isclose(comparison.largest, 0, abs_tol=1e-9)
        else IncidentVerdict.WRONG
    )


def _version(versions: dict[str, str], subject: str) -> str:
    # Platforms without a CPU wheel have the library under its other name.
    return versions.get(subject) or versions[subject.removesuffix("-cpu")]
