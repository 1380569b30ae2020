"""Settles the bet that the pins of a service make: floor and ceiling, on each Python."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from modelseal.manifest import read_manifest

from pinproof.environment.verify import verify
from pinproof.proof.comparison import Movement, movements
from pinproof.proof.document import State
from pinproof.proof.environments import Environment
from pinproof.proof.retraining import compare_metrics, golden_of, largest_of
from pinproof.proof.runner import ProofRunner, StepError
from pinproof.proof.store import Step

__all__ = ["CHECKS", "CheckResult", "PythonProof", "ServiceProof", "prove"]

CHECKS = {
    "environment": "The environment is what the file says",
    "imports": "Every module imports",
    "train": "A model trains and seals",
    "open": "The other end's model opens",
    "retrain": "Trained anew, it is as good",
}
"""What is checked at each end, in this order."""

FLOOR, CEILING = "floor", "ceiling"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check at one end of the pins.

    Attributes:
        check: A key of `CHECKS`.
        end: `floor` or `ceiling`.
        state: Good, bad, or a note that proves nothing and disproves nothing.
        text: What was found.
    """

    check: str
    end: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class PythonProof:
    """What was found under one Python.

    Attributes:
        python: Its minor version.
        pins: What each end resolves to.
        findings: The outcomes.
        retrained: How far the answers of the model trained at the ceiling are from the floor's.
    """

    python: str
    pins: dict[str, tuple[str, ...]]
    findings: tuple[CheckResult, ...]
    retrained: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class ServiceProof:
    """What was found for one service.

    Attributes:
        service: Its folder.
        pythons: What was found, by Python.
        absent: The supported Pythons that this machine does not have.
    """

    service: str
    pythons: tuple[PythonProof, ...]
    absent: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether nothing was disproved."""
        found = [finding for python in self.pythons for finding in python.findings]
        return bool(found) and all(finding.state is not State.BAD for finding in found)


def prove(runner: ProofRunner, interpreters: dict[str, Path]) -> ServiceProof:
    """Prove both ends of the pins on each Python.

    Raises:
        CollisionError: The pins contradict each other.
        BuildError: An environment cannot be made.
    """
    job = runner.job
    absent = tuple(minor for minor in job.policy.pythons if minor not in interpreters)
    proofs = [_prove_python(runner, minor, path) for minor, path in interpreters.items()]
    return ServiceProof(job.service, tuple(proofs), absent)


def _prove_python(runner: ProofRunner, minor: str, python: Path) -> PythonProof:
    ceiling_recipe = runner.job.recipe(python)
    floor_recipe = replace(ceiling_recipe, resolution="lowest-direct")
    findings: list[CheckResult] = []
    with ExitStack() as stack:
        ends: dict[str, Environment] = {}
        for end, recipe in ((FLOOR, floor_recipe), (CEILING, ceiling_recipe)):
            runner.say(f"Python {minor}, {end}")
            ends[end] = stack.enter_context(runner.environments.environment(recipe))
            findings += [_verified(runner, end, ends[end]), _imported(runner, end, ends[end])]
        data = runner.data(ends[CEILING])
        models: dict[str, Path] = {}
        for end, environment in ends.items():
            runner.say(f"Python {minor}, {end}")
            try:
                models[end] = runner.train(environment, data)
                manifest, _ = read_manifest(models[end])
                text = f"{manifest.name} {manifest.version}, {len(manifest.guarded)} guarded"
                findings.append(CheckResult("train", end, State.GOOD, text))
            except StepError as error:
                findings.append(CheckResult("train", end, State.BAD, str(error)))
        retrained: tuple[Movement, ...] = ()
        if len(models) == len(ends):
            upward = runner.replay(ends[CEILING], models[FLOOR])
            downward = runner.replay(ends[FLOOR], models[CEILING])
            findings.append(_opened(CEILING, upward, models[FLOOR]))
            findings.append(_reverse(downward))
            finding, retrained = _retrained(runner, models)
            findings.append(finding)
    pins = {end: environment.pins for end, environment in ends.items()}
    return PythonProof(minor, pins, tuple(findings), retrained)


def _verified(runner: ProofRunner, end: str, environment: Environment) -> CheckResult:
    verification = verify(runner.job.requirements, python=environment.python)
    if verification.findings:
        text = "; ".join(finding.message for finding in verification.findings)
        return CheckResult("environment", end, State.BAD, text)
    return CheckResult("environment", end, State.GOOD, f"{len(environment.pins)} distributions")


def _imported(runner: ProofRunner, end: str, environment: Environment) -> CheckResult:
    answer = runner.imports(environment)
    failures = answer["failures"]
    if isinstance(failures, list) and failures:
        told = [f"{one['module']}: {one['error']}" for one in failures if isinstance(one, dict)]
        return CheckResult("imports", end, State.BAD, "; ".join(told))
    return CheckResult("imports", end, State.GOOD, f"{answer['imported']} modules")


def _opened(end: str, answer: Step, model: Path) -> CheckResult:
    if answer["refusal"] is not None:
        text = f"Refused ({answer['refusal']}): {answer.get('refusal_message', answer['message'])}"
        return CheckResult("open", end, State.BAD, text)
    moved = largest_of(movements(golden_of(model), _outputs(answer)))
    text = f"the floor's model opens; its golden answers differ by {moved:.2g} at most"
    return CheckResult("open", end, State.GOOD, text)


def _reverse(answer: Step) -> CheckResult:
    if answer["refusal"] is None:
        return CheckResult("open", FLOOR, State.NOTE, "the ceiling's model opens, too")
    text = f"the ceiling's model is refused ({answer['refusal']}), as rule 3 wants"
    return CheckResult("open", FLOOR, State.NOTE, text)


def _retrained(
    runner: ProofRunner, models: dict[str, Path]
) -> tuple[CheckResult, tuple[Movement, ...]]:
    compared = compare_metrics(models[FLOOR], models[CEILING], runner.job.proof.metrics)
    state = State.GOOD if all(metric.held for metric in compared) else State.BAD
    # A model answers its own golden inputs; the service chooses the same for both.
    answers = golden_of(models[CEILING])
    golden = golden_of(models[FLOOR])
    moved = movements(golden, answers.outputs) if golden.inputs == answers.inputs else ()
    numbers = ", ".join(str(metric) for metric in compared) or "no metric is compared"
    text = f"{numbers}; golden answers differ by {largest_of(moved):.2g} at most"
    return CheckResult("retrain", CEILING, state, text), moved


def _outputs(answer: Step) -> dict[str, list[float]]:
    outputs: dict[str, list[float]] = answer["outputs"]  # type: ignore[assignment]
    return outputs
