"""Tries what an upgrade outside of today's pins would do to a model."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from pinproof.closure.uv import UnsatisfiableError
from pinproof.proof.coupled_upgrades import find_coupled_upgrades
from pinproof.proof.environments import Environment
from pinproof.proof.metrics import Metric, compare_metrics
from pinproof.proof.output_differences import (
    OutputDifference,
    compare_outputs,
    golden_of,
)
from pinproof.proof.runner import ProofRunner, StepError
from pinproof.proof.working_copy import WorkingCopy
from pinproof.python310 import StrEnum


class TrialVerdict(StrEnum):
    """What an upgrade does to a model."""

    COMPATIBLE = "compatible"
    NEEDS_RETRAINING = "needs retraining"
    BREAKS_AT_IMPORT = "breaks at import"
    BREAKS_AT_LOAD = "breaks at load"
    BREAKS_AT_PREDICT = "breaks at predict"
    BREAKS_AT_TRAINING = "breaks at training"
    SILENTLY_DIFFERENT = "silently different"
    CANNOT_RESOLVE = "cannot resolve"

    @property
    def can_be_made(self) -> bool:
        """Whether the upgrade is possible, with a retrained model if necessary."""
        return self in (TrialVerdict.COMPATIBLE, TrialVerdict.NEEDS_RETRAINING)


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A distribution whose version changes, or that is added or removed."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The results in the environment of a trial.

    Attributes:
        import_failures: The modules that import today, but not there.
        failed_at: The step at which today's model fails without its seal; None if it predicts.
        failure: How it fails.
        answers: The differences of its predictions from the golden ones, if it predicts.
        refusal: The code with which its seal refuses it; None if it opens.
        refusal_message: Why its seal refuses it.
        training_error: How training fails; empty if it does not.
        metrics: The metrics of the retrained model and of today's.
        retrained: The differences of the retrained model from today's.
    """

    import_failures: tuple[str, ...] = ()
    failed_at: str | None = None
    failure: str = ""
    answers: tuple[OutputDifference, ...] = ()
    refusal: str | None = None
    refusal_message: str = ""
    training_error: str = ""
    metrics: tuple[Metric, ...] = ()
    retrained: tuple[OutputDifference, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether a prediction of today's model is outside of its tolerance."""
        return any(movement.moved for movement in self.answers)

    @property
    def trains(self) -> bool:
        """Whether a retrained model is as good as today's."""
        return not self.training_error and all(metric.within_band for metric in self.metrics)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial.

    Attributes:
        service: The folder of the service.
        python: The minor version of Python.
        changes: The pins that were tried.
        verdict: The verdict.
        collision: The distributions that conflict, if the pins cannot be installed.
        explanation: The explanation of the resolver for that.
        coupled_upgrades: The pins that must change too.
        moved: The distributions that differ from today's.
        evidence: The results in the environment.
        patch: The patch of the requirements files.
    """

    service: str
    python: str
    changes: tuple[str, ...]
    verdict: TrialVerdict
    collision: tuple[str, ...] = ()
    explanation: str = ""
    coupled_upgrades: tuple[str, ...] = ()
    moved: tuple[VersionChange, ...] = ()
    evidence: Evidence = Evidence()
    patch: str = ""


def trial(
    runner: ProofRunner,
    copy: WorkingCopy,
    changes: Mapping[str, Requirement],
    interpreter: tuple[str, Path],
    uv: Path,
) -> Trial:
    """Try changes of a service's pins. They remain in the working copy.

    Raises:
        TrialError: The service does not pin a distribution that is changed.
        PinproofError: An environment cannot be made, or today's model cannot be trained.
    """
    minor, python = interpreter
    tried = tuple(str(pin) for pin in changes.values())
    recipe = runner.job.recipe(python, copy.requirements)
    names = copy.change(changes.values())
    try:
        runner.log("finding pins that must change too")
        coupled_upgrades = find_coupled_upgrades(copy.direct(), names, runner.environments, recipe)
        copy.change(coupled_upgrades)
        copy.sync(uv, runner.log)
        runner.environments.resolve(recipe)
    except UnsatisfiableError as error:
        return Trial(
            *(runner.job.service, minor, tried, TrialVerdict.CANNOT_RESOLVE),
            collision=error.packages,
            explanation=error.explanation,
        )
    with ExitStack() as stack:
        environments = runner.environments
        today = stack.enter_context(environments.environment(runner.job.recipe(python)))
        then = stack.enter_context(environments.environment(recipe))
        evidence = _evidence(runner, today, then)
    return Trial(
        *(runner.job.service, minor, tried, decide(evidence)),
        coupled_upgrades=tuple(map(str, coupled_upgrades)),
        moved=_moved(today, then),
        evidence=evidence,
        patch=copy.patch(),
    )


def decide(evidence: Evidence) -> TrialVerdict:
    """The verdict for some evidence, the worst first."""
    if evidence.import_failures:
        return TrialVerdict.BREAKS_AT_IMPORT
    if evidence.failed_at is not None:
        if evidence.trains:
            return TrialVerdict.NEEDS_RETRAINING
        return _BROKEN.get(evidence.failed_at, TrialVerdict.BREAKS_AT_LOAD)
    if evidence.training_error and not evidence.moved:
        return TrialVerdict.BREAKS_AT_TRAINING
    if evidence.moved or not evidence.trains:
        return TrialVerdict.SILENTLY_DIFFERENT
    return TrialVerdict.COMPATIBLE if evidence.refusal is None else TrialVerdict.NEEDS_RETRAINING


_BROKEN = {"import": TrialVerdict.BREAKS_AT_IMPORT, "predict": TrialVerdict.BREAKS_AT_PREDICT}


def _evidence(runner: ProofRunner, today: Environment, then: Environment) -> Evidence:
    data = runner.data(today)
    try:
        old = runner.train(today, data)
    except StepError as error:
        raise error.as_user_error(runner.job.service) from error
    before = set(runner.imports(today).messages)
    failures = tuple(each for each in runner.imports(then).messages if each not in before)
    result = runner.replay(then, old)
    golden = golden_of(old)
    metrics: tuple[Metric, ...] = ()
    retrained: tuple[OutputDifference, ...] = ()
    training_error = ""
    try:
        new = runner.train(then, data)
        metrics = compare_metrics(old, new, runner.job.proof.metrics)
        other = golden_of(new)
        retrained = compare_outputs(golden, other.outputs) if other.inputs == golden.inputs else ()
    except StepError as error:
        training_error = str(error)
    return Evidence(
        import_failures=failures,
        failed_at=result.code,
        failure=result.message,
        answers=compare_outputs(golden, result.outputs) if result.code is None else (),
        refusal=result.refusal,
        refusal_message=result.refusal_message,
        training_error=training_error,
        metrics=metrics,
        retrained=retrained,
    )


def _moved(today: Environment, then: Environment) -> tuple[VersionChange, ...]:
    before, after = (dict(pin.split("==", 1) for pin in e.pins) for e in (today, then))
    return tuple(
        VersionChange(name, before.get(name), after.get(name))
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    )
