"""What is recorded of a challenge: its decision, as its files say it."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from modelseal.records import first_error
from pydantic import BaseModel, JsonValue, ValidationError

from modelwatch.challenge.decision_files import DECISION, PAGE, PATCH
from modelwatch.errors import TrackingError
from modelwatch.tracking.run_record import RunRecord, flatten, metric_values

__all__ = ["DecisionRecord", "decision_record"]


class _Model(BaseModel):
    name: str
    version: str
    sha256: str


class _Comparison(BaseModel):
    champion: float | None
    challenger: float | None
    gain: float | None
    low: float | None
    high: float | None


class _Gate(BaseModel):
    name: str
    passed: bool


class _Decision(BaseModel):
    created: datetime
    decision: str
    failed_gates: list[str]
    champion: _Model
    challenger: _Model | None
    declaration: dict[str, JsonValue]
    rows: dict[str, int]
    metrics: dict[str, _Comparison]
    gates: list[_Gate]


class DecisionRecord(NamedTuple):
    """What is recorded of a challenge.

    Attributes:
        run: The run of the decision.
        decision: The decision.
        time: Its time in UTC, in ISO form.
        challenger: SHA-256 of the challenger's manifest; None if none was sealed.
    """

    run: RunRecord
    decision: str
    time: str
    challenger: str | None


def decision_record(folder: Path) -> DecisionRecord:
    """The record of a challenge.

    Args:
        folder: The folder that `modelwatch challenge` wrote.

    Raises:
        TrackingError: Its decision is not valid.
        OSError: It cannot be read.
    """
    raw = (folder / DECISION).read_bytes()
    try:
        decision = _Decision.model_validate_json(raw)
    except ValidationError as error:
        raise TrackingError(
            f"{folder / DECISION} is not a decision: {first_error(error)}.",
            remedy="Give the folder that `modelwatch challenge` wrote.",
        ) from error
    challenger = decision.challenger
    metrics: dict[str, float | None] = {f"rows.{name}": n for name, n in decision.rows.items()}
    metrics |= {f"gate.{gate.name}": float(gate.passed) for gate in decision.gates}
    for name, one in decision.metrics.items():
        metrics |= {f"{name}.{part}": value for part, value in one.model_dump().items()}
    run = RunRecord(
        experiment=decision.champion.name,
        name=f"challenge by {challenger.version if challenger else 'no model'}",
        key=hashlib.sha256(raw).hexdigest(),
        start_ms=int(decision.created.timestamp() * 1000),
        tags={
            "challenge.decision": decision.decision,
            "challenge.failed_gates": ", ".join(decision.failed_gates),
            "challenge.champion": decision.champion.sha256,
            "challenge.challenger": challenger.sha256 if challenger else "",
        },
        parameters={
            "champion": decision.champion.version,
            "challenger": challenger.version if challenger else "",
            **dict(flatten(decision.declaration, "gates")),
        },
        metrics=metric_values(metrics),
        files=[
            (folder / name, "") for name in (DECISION, PAGE, PATCH) if (folder / name).is_file()
        ],
    )
    time = decision.created.isoformat(timespec="seconds")
    return DecisionRecord(run, decision.decision, time, challenger.sha256 if challenger else None)
