"""Proves the pins of a service: the floor and the ceiling, on each Python."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from modelseal.manifest import read_manifest

from pinproof.environment.verify import verify
from pinproof.proof.document import State
from pinproof.proof.environments import Environment
from pinproof.proof.metrics import compare_metrics
from pinproof.proof.output_differences import (
    OutputDifference,
    compare_outputs,
    golden_of,
    largest_of,
)
from pinproof.proof.runner import ProofRunner, ReplayResult, StepError

CHECKS = {
    "environment": "The environment matches the requirements",
    "imports": "Every module imports",
    "train": "A model trains and seals",
    "open": "The model of the other end opens",
    "retrain": "The retrained model is as good",
}
"""The checks at each end, in this order."""

FLOOR, CEILING = "floor", "ceiling"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check at one end of the pins.

    Attributes:
        check: A key of `CHECKS`.
        end: `floor` or `ceiling`.
        state: Good, bad, or a note that is neither.
        text: The details.
    """

    check: str
    end: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class PythonProof:
    """The results on one Python.

    Attributes:
        python: The minor version.
        pins: The resolved versions of each end.
        findings: The results of the checks.
        retrained: The differences between the model trained at the ceiling and the floor's.
    """

    python: str
    pins: dict[str, tuple[str, ...]]
    findings: tuple[CheckResult, ...]
    retrained: tuple[OutputDifference, ...]


@dataclass(frozen=True, slots=True)
class ServiceProof:
    """The results for one service.

    Attributes:
        service: The folder of the service.
        pythons: The results on each Python.
        absent: The supported Pythons that this machine does not have.
    """

    service: str
    pythons: tuple[PythonProof, ...]
    absent: tuple[str, ...]

    @property
    def failures(self) -> list[str]:
        """The failed checks, each as `Python 3.11, ceiling: check: details`."""
        return [
            f"Python {python.python}, {found.end}: {CHECKS[found.check]}: {found.text}"
            for python in self.pythons
            for found in python.findings
            if found.state is State.BAD
        ]

    @property
    def proven(self) -> bool:
        """Whether there are results and none is bad."""
        found = [finding for python in self.pythons for finding in python.findings]
        return bool(found) and all(finding.state is not State.BAD for finding in found)


def prove(runner: ProofRunner, interpreters: dict[str, Path]) -> ServiceProof:
    """Prove both ends of the pins on each Python.

    Raises:
        UnsatisfiableError: The pins contradict each other.
        PinproofError: An environment cannot be made.
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
            runner.log(f"Python {minor}, {end}")
            ends[end] = stack.enter_context(runner.environments.environment(recipe))
            findings += [_verified(runner, end, ends[end]), _imported(runner, end, ends[end])]
        data = runner.data(ends[CEILING])
        models: dict[str, Path] = {}
        for end, environment in ends.items():
            runner.log(f"Python {minor}, {end}")
            try:
                models[end] = runner.train(environment, data)
                manifest, _ = read_manifest(models[end])
                text = f"{manifest.name} {manifest.version}, {len(manifest.guarded)} guarded"
                findings.append(CheckResult("train", end, State.GOOD, text))
            except StepError as error:
                findings.append(CheckResult("train", end, State.BAD, str(error)))
        retrained: tuple[OutputDifference, ...] = ()
        if len(models) == len(ends):
            upward = runner.replay(ends[CEILING], models[FLOOR])
            downward = runner.replay(ends[FLOOR], models[CEILING])
            findings.append(_opened_upward(upward, models[FLOOR]))
            findings.append(_opened_downward(downward))
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
    result = runner.imports(environment)
    if result.failures:
        return CheckResult("imports", end, State.BAD, "; ".join(result.messages))
    return CheckResult("imports", end, State.GOOD, f"{result.imported} modules")


def _opened_upward(result: ReplayResult, model: Path) -> CheckResult:
    """The result of opening the floor's model at the ceiling."""
    if result.refusal is not None:
        text = f"Refused ({result.refusal}): {result.refusal_message or result.message}"
        return CheckResult("open", CEILING, State.BAD, text)
    largest = largest_of(compare_outputs(golden_of(model), result.outputs))
    text = f"the floor's model opens; its golden predictions differ by at most {largest:.2g}"
    return CheckResult("open", CEILING, State.GOOD, text)


def _opened_downward(result: ReplayResult) -> CheckResult:
    """The result of opening the ceiling's model at the floor, which proves nothing."""
    text = "the ceiling's model opens too"
    if result.refusal is not None:
        text = f"the ceiling's model is refused ({result.refusal}), as it should be"
    return CheckResult("open", FLOOR, State.NOTE, text)


def _retrained(
    runner: ProofRunner, models: dict[str, Path]
) -> tuple[CheckResult, tuple[OutputDifference, ...]]:
    compared = compare_metrics(models[FLOOR], models[CEILING], runner.job.proof.metrics)
    state = State.GOOD if all(metric.within_band for metric in compared) else State.BAD
    # The service chooses the same golden inputs for both models.
    answers = golden_of(models[CEILING])
    golden = golden_of(models[FLOOR])
    moved = compare_outputs(golden, answers.outputs) if golden.inputs == answers.inputs else ()
    numbers = ", ".join(str(metric) for metric in compared) or "no metric is compared"
    text = f"{numbers}; golden predictions differ by at most {largest_of(moved):.2g}"
    return CheckResult("retrain", CEILING, state, text), moved
