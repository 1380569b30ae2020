"""What a service declares for challenges: the table ``challenge`` of its service.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from modelseal.records import Record, first_error
from pydantic import Field, ValidationError, model_validator

from modelwatch.errors import ChallengeError
from modelwatch.profile import Task

__all__ = ["FILE", "Declaration", "Service", "read_service"]

FILE: Final = "service.toml"

Metric = Literal["log_loss", "brier", "auc", "accuracy", "macro_f1", "wape", "mae"]

_METRICS: Final = {
    "binary": {"log_loss", "brier", "auc"},
    "classes": {"accuracy", "macro_f1"},
    "number": {"wape", "mae"},
}


class Declaration(Record):
    """The gates of a service. A share is one of the champion's error.

    The error is the metric itself, or its distance from 1 if a higher metric is better.

    Attributes:
        task: How outputs are compared with outcomes.
        metric: The main metric, which decides.
        confidence: Output with the probability of the predicted class, of the kind ``classes``.
        group_margin: Share by which the challenger's error in a group may be larger.
        calibration_margin: How much farther from the truth the challenger's calibration or
            coverage may be.
        plausible_gain: Share of the error that a challenger may remove. A larger gain is taken
            for a leak of the outcome until a person raises this bound.
        size_ratio: How many times larger the challenger's files may be, without the profile.
        latency_ratio: How many times more CPU time an answer of the challenger may take.
    """

    task: Task
    metric: Metric
    confidence: str | None = None
    group_margin: float = Field(gt=0)
    calibration_margin: float = Field(gt=0, lt=1)
    plausible_gain: float = Field(gt=0, lt=1)
    size_ratio: float = Field(default=2.0, gt=1)
    latency_ratio: float = Field(default=2.0, gt=1)

    @model_validator(mode="after")
    def _metric_fits(self) -> Self:
        known = _METRICS[self.task.kind]
        if self.metric not in known:
            raise ValueError(
                f"metric: {self.metric} is not one of {', '.join(sorted(known))}, the metrics of "
                f"the kind {self.task.kind}"
            )
        if self.confidence is not None and self.task.kind != "classes":
            raise ValueError("confidence: only the kind classes has it")
        if (self.task.low is None) != (self.task.high is None):
            raise ValueError("task: low and high belong together")
        if self.task.low is not None and self.task.coverage is None:
            raise ValueError("task: coverage is missing")
        return self


@dataclass(frozen=True)
class Service:
    """A service whose models are compared.

    Attributes:
        folder: Its folder.
        package: Its import package, whose commands are run.
        python: The interpreter of its environment.
        declaration: Its gates.
    """

    folder: Path
    package: str
    python: Path
    declaration: Declaration


def read_service(folder: Path, python: Path | None = None) -> Service:
    """Read what a service declares.

    Args:
        folder: Folder with service.toml.
        python: Interpreter of its environment; None for ``.venv/bin/python`` of the folder.

    Raises:
        ChallengeError: The file cannot be read, declares no gates, or is not valid; or there is no
            such interpreter.
    """
    file = folder / FILE
    document = _load(file)
    package = document.get("package")
    if not isinstance(package, str) or "challenge" not in document:
        raise ChallengeError(
            f"{file} does not declare how its models are compared.",
            remedy="Give `package` and the table [challenge].",
        )
    try:
        declaration = Declaration.model_validate(document["challenge"])
    except ValidationError as error:
        raise ChallengeError(
            f"{file}: challenge.{first_error(error)}.", remedy="Correct the table [challenge]."
        ) from error
    # Not resolved: the link is what makes it the interpreter of the environment.
    interpreter = (python or folder / ".venv" / "bin" / "python").absolute()
    if not interpreter.is_file():
        raise ChallengeError(
            f"{interpreter} does not exist.",
            remedy="Set up the environment of the service, or give its interpreter with --python.",
        )
    return Service(folder.resolve(), package, interpreter, declaration)


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ChallengeError(
            f"{file} cannot be read: {error}.", remedy="Give the folder of a service."
        ) from error
