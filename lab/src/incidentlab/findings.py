"""What was found: one finding per incident, and the results file that documents quote."""

import math
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from incidentlab.incidents import Incident
from incidentlab.protocol import Reading, Served, Writing

__all__ = ["Comparison", "Data", "Finding", "Guards", "Results", "Verdict", "find", "write_results"]

THRESHOLD: Final = 0.5
NOTICEABLE: Final = 0.005


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Verdict(StrEnum):
    """What an unguarded service does in the reader's environment."""

    SAME = "nothing moves"
    ROUNDING = "moves by rounding"
    LOAD = "fails at load"
    PREDICT = "fails at predict"
    WRONG = "silently wrong"


class Comparison(_Record):
    """The answers of two environments to the same customers.

    Attributes:
        rows: How many customers.
        moved: For how many the probability is not bitwise the same.
        noticeable: For how many it moved by 0.005 or more.
        flipped: How many decisions at 0.5 changed.
        largest: The largest difference.
        before: The probability of the customer who moved most, as the writer answers.
        after: The same customer's, as the reader answers.
    """

    rows: int
    moved: int
    noticeable: int
    flipped: int
    largest: float
    before: float
    after: float


class Guards(_Record):
    """What stood in the way.

    Attributes:
        code: With which code `modelseal.open_sealed` refused; None where it opened.
        message: Its words.
        unpickled: Whether anything had been unpickled by then.
        golden_code: What the golden customers alone say, were the versions not looked at.
        golden_message: Their words.
    """

    code: str | None
    message: str | None
    unpickled: bool
    golden_code: str | None
    golden_message: str | None


class Finding(_Record):
    """What one incident did.

    Attributes:
        name: The incident's name.
        title: Its title.
        subject: The distribution that differs.
        written_by: Its version where the model was written.
        read_by: Its version where the model was read.
        verdict: What the unguarded service did.
        error: What it died of, if it did.
        warnings: What it warned of.
        comparison: Its answers beside the right ones, if it answered.
        guards: What the seal said.
    """

    name: str
    title: str
    subject: str
    written_by: str
    read_by: str
    verdict: Verdict
    error: str | None
    warnings: tuple[str, ...]
    comparison: Comparison | None
    guards: Guards


class Data(_Record):
    """What it was measured on."""

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
    findings: tuple[Finding, ...]


def find(incident: Incident, writing: Writing, reading: Reading) -> Finding:
    """What an incident did, from what the two environments answered."""
    served, comparison = reading.served, None
    if served.probabilities is not None:
        comparison = _compare(writing.probabilities, served.probabilities)
    return Finding(
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
    """Write the results file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(results.model_dump_json(indent=2) + "\n")
    # A temporary file is private; results are read by others than who measured.
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


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


def _verdict(served: Served, comparison: Comparison | None) -> Verdict:
    if comparison is None:
        return Verdict.LOAD if served.fails_at == "load" else Verdict.PREDICT
    if comparison.moved == 0:
        return Verdict.SAME
    return Verdict.ROUNDING if math.isclose(comparison.largest, 0, abs_tol=1e-9) else Verdict.WRONG


def _version(versions: dict[str, str], subject: str) -> str:
    # Where there is no wheel without GPU code, the same library has its other name.
    return versions.get(subject) or versions[subject.removesuffix("-cpu")]
