"""Runs the incidents: makes environments, and writes and reads models in them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from pinproof.proof.environments import Environment, EnvironmentCache, Recipe

from incidentlab.findings import IncidentFinding, find
from incidentlab.incidents import Incident, Overrides
from incidentlab.protocol import Answer, Read, Reading, Request, Write, Writing

_LAB: Final = Path(__file__).resolve().parents[2]
_MODELSEAL: Final = _LAB.parent / "libs" / "modelseal"
_TIMEOUT_S: Final = 1800


class WorkerError(Exception):
    """A process in an environment ended without an answer."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """The finding of an incident, and every answer for the plot."""

    finding: IncidentFinding
    right: tuple[float, ...]
    answered: tuple[float, ...] | None


@dataclass
class Laboratory:
    """Runs incidents.

    Attributes:
        uv: The uv executable that makes environments.
        cache: Folder of the cached environments.
        training: CSV file of the customers to train on.
        scored: CSV file of the customers to score.
        trees: Number of trees in each ensemble.
        say: Called with a description of each step.
    """

    uv: Path
    cache: Path
    training: Path
    scored: Path
    trees: int
    say: Callable[[str], None] = lambda _text: None
    _environments: dict[Overrides, Environment] = field(default_factory=dict, init=False)
    _written: dict[tuple[Overrides, str], Writing] = field(default_factory=dict, init=False)

    def run(self, incidents: Iterable[Incident]) -> Iterator[Experiment]:
        """Run incidents one after another. They share models and environments.

        Raises:
            PinproofError: An environment could not be made.
            WorkerError: A model could not be trained, or a process failed.
        """
        # An earlier run has removed its models and environments.
        self._environments.clear()
        self._written.clear()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="incidentlab-")))
            for incident in incidents:
                yield self._run(incident, folder, stack)

    def _run(self, incident: Incident, folder: Path, stack: ExitStack) -> Experiment:
        written = (incident.writer, incident.style)
        model = folder / f"model-{len(self._written)}"
        if written not in self._written:
            environment = self._environment(incident.writer, stack)
            self.say(f"training with {_named(incident.writer)}, {incident.style} features")
            question = Write(
                model=model,
                training=self.training,
                scored=self.scored,
                style=incident.style,
                trees=self.trees,
            )
            self._written[written] = _ask_writer(environment, question)
        model = folder / f"model-{list(self._written).index(written)}"
        environment = self._environment(incident.reader, stack)
        self.say(f"reading with {_named(incident.reader)}, {incident.style} features")
        reading = _ask_reader(environment, Read(model=model, scored=self.scored))
        writing = self._written[written]
        return Experiment(
            finding=find(incident, writing, reading),
            right=writing.probabilities,
            answered=reading.served.probabilities,
        )

    def _environment(self, overrides: Overrides, stack: ExitStack) -> Environment:
        if overrides not in self._environments:
            self.say(f"environment with {_named(overrides)}")
            recipe = Recipe(
                requirements=(_LAB / "requirements-prod.txt",),
                python=Path(sys.executable),
                overrides=overrides,
                first_party=(_MODELSEAL, _LAB),
            )
            cache = EnvironmentCache(self.cache, self.uv, log=self.say)
            self._environments[overrides] = stack.enter_context(cache.environment(recipe))
        return self._environments[overrides]


def _ask_writer(environment: Environment, question: Write) -> Writing:
    answer = _ask(environment, question)
    assert isinstance(answer, Writing)  # noqa: S101 - the worker's protocol
    return answer


def _ask_reader(environment: Environment, question: Read) -> Reading:
    answer = _ask(environment, question)
    assert isinstance(answer, Reading)  # noqa: S101 - the worker's protocol
    return answer


def _ask(environment: Environment, question: Write | Read) -> Writing | Reading:
    with tempfile.TemporaryDirectory(prefix="incidentlab-ask-") as name:
        request, answer = Path(name) / "request.json", Path(name) / "answer.json"
        request.write_text(Request(content=question).model_dump_json(), encoding="utf-8")
        # One thread, so that sums do not depend on the division of work.
        process = subprocess.run(  # noqa: S603 - an interpreter of this laboratory
            [environment.python, "-P", "-m", "incidentlab.worker", request, answer],
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if process.returncode != 0 or not answer.exists():
            raise WorkerError(
                f"The process that should {question.action} a model ended with "
                f"{process.returncode}: {process.stderr.strip()[-2000:]}"
            )
        return Answer.model_validate_json(answer.read_bytes()).content


def _applies(override: str) -> bool:
    marker = Requirement(override).marker
    return marker is None or marker.evaluate()


def _named(overrides: Overrides) -> str:
    names = [override.partition(";")[0] for override in overrides if _applies(override)]
    return ", ".join(names) if names else "the pinned versions"
