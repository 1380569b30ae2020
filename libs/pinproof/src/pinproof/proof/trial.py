"""Answers what an upgrade outside of today's pins would do to a model."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.requirements import Requirement

from pinproof.closure.resolver import UnsatisfiableError
from pinproof.proof.building import CollisionError
from pinproof.proof.comparison import Movement, movements
from pinproof.proof.coupled_upgrades import find_coupled_upgrades
from pinproof.proof.draft import Draft
from pinproof.proof.environments import Environment
from pinproof.proof.retraining import Metric, compare_metrics, golden_of
from pinproof.proof.runner import ProofRunner, StepError
from pinproof.proof.store import Step

__all__ = ["Evidence", "Moved", "Trial", "TrialVerdict", "trial"]


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
        """Whether the upgrade can be made, if need be with a model that is trained anew."""
        return self in (TrialVerdict.COMPATIBLE, TrialVerdict.NEEDS_RETRAINING)


@dataclass(frozen=True, slots=True)
class Moved:
    """One distribution that another version of is installed, or that comes or goes."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen in the trial's environment.

    Attributes:
        import_failures: What does not import there, though it does today.
        failed_at: Where the model of today fails when nobody guards it; None if it answers.
        failure: How it fails.
        answers: How far its answers are from the golden ones, where it answers.
        refusal: The code under which its seal refuses it; None where it opens.
        refusal_message: The same in words.
        training_error: How training anew fails; empty where it does not.
        metrics: Those of the new model beside those of the old one.
        retrained: How far the answers of the new model are from those of the old one.
    """

    import_failures: tuple[str, ...] = ()
    failed_at: str | None = None
    failure: str = ""
    answers: tuple[Movement, ...] = ()
    refusal: str | None = None
    refusal_message: str = ""
    training_error: str = ""
    metrics: tuple[Metric, ...] = ()
    retrained: tuple[Movement, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether an answer of today's model is outside its tolerance."""
        return any(movement.moved for movement in self.answers)

    @property
    def trains(self) -> bool:
        """Whether a model that is trained anew is as good as today's."""
        return not self.training_error and all(metric.held for metric in self.metrics)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found.

    Attributes:
        service: The service's folder.
        python: The minor version of Python that it was tried under.
        changes: What was tried.
        verdict: The answer.
        collision: The two distributions that collide, where nothing can be installed.
        explanation: Why not, in the resolver's words.
        coupled_upgrades: The pins that must move along.
        moved: The distributions that differ from today's.
        evidence: What was seen.
        patch: The changes of the requirement files.
    """

    service: str
    python: str
    changes: tuple[str, ...]
    verdict: TrialVerdict
    collision: tuple[str, ...] = ()
    explanation: str = ""
    coupled_upgrades: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    evidence: Evidence = Evidence()
    patch: str = ""


def trial(
    runner: ProofRunner,
    draft: Draft,
    changes: Mapping[str, Requirement],
    interpreter: tuple[str, Path],
    uv: Path,
) -> Trial:
    """Try changes of a service's pins; they are left in the draft.

    Raises:
        TrialError: The service does not pin what should be changed.
        BuildError: An environment cannot be made.
        PinproofError: Today's model cannot be trained, so that there is nothing to compare.
    """
    minor, python = interpreter
    asked = tuple(str(pin) for pin in changes.values())
    recipe = runner.job.recipe(python, draft.requirements)
    names = draft.change(changes.values())
    try:
        runner.say("looking for pins that must move along")
        coupled_upgrades = find_coupled_upgrades(draft.direct(), names, runner.environments, recipe)
        draft.change(coupled_upgrades)
        draft.sync(uv, runner.say)
        runner.environments.resolve(recipe)
    except CollisionError as error:
        return Trial(
            *(runner.job.service, minor, asked, TrialVerdict.CANNOT_RESOLVE),
            collision=error.packages,
            explanation=error.explanation,
        )
    except UnsatisfiableError as error:
        collision = CollisionError(" ".join(error.message.split()))
        return Trial(
            *(runner.job.service, minor, asked, TrialVerdict.CANNOT_RESOLVE),
            collision=collision.packages,
            explanation=collision.explanation,
        )
    with ExitStack() as stack:
        environments = runner.environments
        today = stack.enter_context(environments.environment(runner.job.recipe(python)))
        then = stack.enter_context(environments.environment(recipe))
        evidence = _evidence(runner, today, then)
    return Trial(
        *(runner.job.service, minor, asked, decide(evidence)),
        coupled_upgrades=tuple(map(str, coupled_upgrades)),
        moved=_moved(today, then),
        evidence=evidence,
        patch=draft.patch(),
    )


def decide(evidence: Evidence) -> TrialVerdict:
    """The verdict that evidence leads to, the worst first."""
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
        raise error.as_mistake(runner.job.service) from error
    before = set(_failures(runner.imports(today)))
    failures = tuple(one for one in _failures(runner.imports(then)) if one not in before)
    answer = runner.replay(then, old)
    failed_at = None if answer["code"] is None else str(answer["code"])
    outputs: dict[str, list[float]] = answer["outputs"]  # type: ignore[assignment]
    golden = golden_of(old)
    metrics: tuple[Metric, ...] = ()
    retrained: tuple[Movement, ...] = ()
    training_error = ""
    try:
        new = runner.train(then, data)
        metrics = compare_metrics(old, new, runner.job.proof.metrics)
        anew = golden_of(new)
        retrained = movements(golden, anew.outputs) if anew.inputs == golden.inputs else ()
    except StepError as error:
        training_error = str(error)
    return Evidence(
        import_failures=failures,
        failed_at=failed_at,
        failure=str(answer["message"]),
        answers=movements(golden, outputs) if failed_at is None else (),
        refusal=None if answer["refusal"] is None else str(answer["refusal"]),
        refusal_message=str(answer.get("refusal_message", "")),
        training_error=training_error,
        metrics=metrics,
        retrained=retrained,
    )


def _failures(answer: Step) -> list[str]:
    failures = answer["failures"]
    assert isinstance(failures, list)  # noqa: S101 - a report of our own
    return [f"{one['module']}: {one['error']}" for one in failures if isinstance(one, dict)]


def _moved(today: Environment, then: Environment) -> tuple[Moved, ...]:
    before, after = (dict(pin.split("==", 1) for pin in e.pins) for e in (today, then))
    return tuple(
        Moved(name, before.get(name), after.get(name))
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    )
