"""Does the steps of a proof inside environments, each once."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pinproof.environment.interpreter import inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.proof.environments import Environment, EnvironmentCache, Recipe
from pinproof.proof.store import Step, Store, digest_of_code
from pinproof.repository.policy import PROD, Policy, Proof

__all__ = ["Job", "ProofRunner", "StepError"]

_INSIDE = Path(__file__).with_name("inside")
_PATIENCE_S = 3600
_QUOTED = 1200
_LEFT_OUT = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})


class StepError(Exception):
    """A step ended with an error, which is a finding and not a mistake of whoever asked."""

    def as_mistake(self, service: str) -> PinproofError:
        """The same where nothing can be found without the step."""
        return PinproofError(
            f"{service} cannot prepare its data or train under today's pins: {self}",
            remedy="Mend the commands of its proof in pins.toml, or the environment.",
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One service that is proven.

    Attributes:
        root: The root of the repository.
        service: The service's folder below it.
        policy: What the repository's `pins.toml` says.
        proof: What it says of this service.
    """

    root: Path
    service: str
    policy: Policy
    proof: Proof

    @property
    def requirements(self) -> Path:
        """The production requirements."""
        return self.root / self.service / PROD

    def recipe(self, python: Path, requirements: Path | None = None) -> Recipe:
        """An environment of the service, from today's requirements or from others."""
        return Recipe(
            requirements=(requirements or self.requirements,),
            python=python,
            excluded=tuple(sorted(self.policy.excluded_from(self.service))),
            first_party=tuple(self.root / folder for folder in self.proof.first_party),
        )


class ProofRunner:
    """Runs steps in environments, and remembers what they found by what they were made of.

    Args:
        job: What is proven.
        environments: Where environments come from.
        store: Where finished steps and models are kept.
        say: Is told what is being done.
    """

    def __init__(
        self, job: Job, environments: EnvironmentCache, store: Store, say: Callable[[str], None]
    ) -> None:
        self.job = job
        self.environments = environments
        self.say = say
        self._store = store
        self._code = digest_of_code(job.root / folder for folder in job.proof.first_party)

    def imports(self, environment: Environment) -> Step:
        """Import every module; the failures by distribution, module and error."""

        def work() -> Step:
            self.say("importing every module")
            installed = inspect_interpreter(environment.python).distributions
            own = [found.name for found in installed if found.from_folder]
            with tempfile.TemporaryDirectory(prefix="pinproof-imports-") as folder:
                report = Path(folder) / "report.json"
                try:
                    self._inside(environment, "imports.py", report, *own, folder=Path(folder))
                except StepError as error:
                    found: Step = json.loads(report.read_bytes()) if report.exists() else {}
                    ended = {
                        "distribution": found.get("of", ""),
                        "module": found.get("importing", ""),
                        "error": f"the process ended: {error}",
                    }
                    return found | {"failures": [ended]}
                return self._report(report, environment, Path(folder))

        return self._store.step(["imports", environment.key, self._code], work)

    def data(self, environment: Environment) -> Path:
        """The folder that the commands under `prepare` fill."""

        def fill(folder: Path) -> None:
            self.say("preparing the data")
            with tempfile.TemporaryDirectory(prefix="pinproof-work-") as work:
                self._commands(
                    environment, self.job.proof.prepare, data=folder, work=Path(work), model=folder
                )

        try:
            return self._store.folder(
                ["data", environment.key, self._code, *_flat(self.job.proof.prepare)], fill
            )
        except StepError as error:
            raise error.as_mistake(self.job.service) from error

    def train(self, environment: Environment, data: Path) -> Path:
        """Train and seal a model; give its folder.

        Raises:
            StepError: Training or sealing ended with an error.
        """

        def fill(folder: Path) -> None:
            self.say("training and sealing a model")
            with tempfile.TemporaryDirectory(prefix="pinproof-work-") as work:
                self._commands(
                    environment,
                    self.job.proof.train,
                    data=data,
                    work=Path(work),
                    model=folder / "model",
                )
            if not (folder / "model" / "manifest.json").is_file():
                raise StepError("the commands under train sealed no model into {model}.")

        parts = ["train", environment.key, data.name, self._code, *_flat(self.job.proof.train)]
        return self._store.folder(parts, fill) / "model"

    def replay(self, environment: Environment, model: Path) -> Step:
        """Open a model, and load it without a guard: where each fails, and what it answers."""

        def work() -> Step:
            self.say("replaying the golden inputs")
            with tempfile.TemporaryDirectory(prefix="pinproof-replay-") as folder:
                report = Path(folder) / "report.json"
                try:
                    self._inside(environment, "replay.py", model, report, folder=Path(folder))
                except StepError as error:
                    code = "import" if "Error" in str(error) else "load"
                    return {"code": code, "message": str(error), "outputs": {}, "refusal": code}
                return self._report(report, environment, Path(folder))

        parts = ["replay", environment.key, self._code, (model / "manifest.json").read_text()]
        return self._store.step(parts, work)

    def _inside(
        self, environment: Environment, script: str, *arguments: "Path | str", folder: Path
    ) -> None:
        command = ["-P", str(_INSIDE / script), *map(str, arguments)]
        self._run(environment, command, folder)

    def _commands(
        self, environment: Environment, commands: Sequence[Sequence[str]], **places: Path
    ) -> None:
        for command in commands:
            filled = [_fill(argument, places) for argument in command]
            self._run(environment, filled, places["work"])

    def _run(self, environment: Environment, arguments: list[str], folder: Path) -> None:
        variables = {name: text for name, text in os.environ.items() if name not in _LEFT_OUT}
        try:
            run = subprocess.run(  # noqa: S603 - commands of the policy and programs of our own
                [environment.python, *arguments],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StepError(f"it did not finish within {_PATIENCE_S} s.") from error
        if run.returncode:
            raise StepError(
                self._tidy(run.stderr, environment, folder) or f"exit {run.returncode}."
            )

    def _report(self, path: Path, environment: Environment, folder: Path) -> Step:
        text = path.read_text(encoding="utf-8")
        answer: Step = json.loads(self._nameless(text, environment, folder))
        return answer

    def _tidy(self, text: str, environment: Environment, folder: Path) -> str:
        """The end of an error message."""
        text = self._nameless(text, environment, folder).rpartition("\r")[2].strip()
        return text if len(text) <= _QUOTED else f"…{text[-_QUOTED:]}"

    def _nameless(self, text: str, environment: Environment, folder: Path) -> str:
        """A text without the names of folders that only this machine has."""
        own = {folder: "WORK", environment.folder: "ENVIRONMENT", self.job.root.absolute(): "ROOT"}
        for place, name in own.items():
            text = text.replace(str(place), name)
        return text.replace(str(environment.python.resolve().parents[1]), "PYTHON")


def _fill(argument: str, places: "dict[str, Path]") -> str:
    for name, place in places.items():
        argument = argument.replace(f"{{{name}}}", str(place))
    return argument


def _flat(commands: Sequence[Sequence[str]]) -> list[str]:
    return [argument for command in commands for argument in (*command, ";")]
