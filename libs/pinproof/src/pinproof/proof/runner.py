"""Runs the steps of a proof in environments, each once."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pinproof.closure.uv import find_uv
from pinproof.end_with_parent import end_with_parent
from pinproof.environment.interpreter import inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.proof.environments import Environment, EnvironmentCache
from pinproof.proof.job import Job
from pinproof.proof.step_cache import StepCache, StepResult, digest_of_code

_DEFAULT_CACHE = Path(".cache", "pinproof")
_INSIDE = Path(__file__).with_name("inside")
_TIMEOUT_S = 3600
_MAX_QUOTE = 1200
_REMOVED_VARIABLES = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})


class StepError(Exception):
    """A step ended with an error, which is a result of the proof and no mistake of the user."""

    def as_user_error(self, service: str) -> PinproofError:
        """The error to raise if there is no result without the step."""
        return PinproofError(
            f"{service} cannot prepare its data or train under today's pins: {self}",
            remedy="Correct the commands of its proof in pins.toml, or the environment.",
        )


class _ImportFailure(BaseModel):
    module: str
    error: str


class ImportResult(BaseModel):
    """The result of importing every module.

    Attributes:
        imported: Number of modules that import.
        failures: The modules that do not.
    """

    imported: int = 0
    failures: list[_ImportFailure]

    @property
    def messages(self) -> list[str]:
        """The failures, each as `module: error`."""
        return [f"{failure.module}: {failure.error}" for failure in self.failures]


class ReplayResult(BaseModel):
    """The result of opening a model, and of loading it without checking its seal.

    Attributes:
        code: The step at which it fails without the seal; None if it predicts.
        message: How it fails.
        outputs: Its predictions for the golden inputs.
        refusal: The code with which the seal refuses it; None if it opens.
        refusal_message: Why the seal refuses it.
    """

    code: str | None
    message: str
    outputs: dict[str, list[Any]]
    refusal: str | None
    refusal_message: str = ""


class ProofRunner:
    """Runs steps in environments, and keeps their results by a digest of their inputs.

    Args:
        job: The service.
        uv: The resolver and installer; by default the one that `find_uv` finds.
        cache: The folder of environments, models and results. Default: `.cache/pinproof`.
        limit_bytes: The largest size of all environments together.
        log: Called with a line of text at each step.

    Raises:
        UvError: There is no uv.
    """

    def __init__(
        self,
        job: Job,
        *,
        uv: Path | None,
        cache: Path | None,
        limit_bytes: int,
        log: Callable[[str], None],
    ) -> None:
        folder = cache or job.root / _DEFAULT_CACHE
        self.job = job
        self.log = log
        self.environments = EnvironmentCache(
            folder / "environments", find_uv(job.root, uv), limit_bytes=limit_bytes, log=log
        )
        self._store = StepCache(folder)
        self._code = digest_of_code(job.root / folder for folder in job.proof.first_party)

    def imports(self, environment: Environment) -> ImportResult:
        """Import every module."""

        def work() -> StepResult:
            self.log("importing every module")
            installed = inspect_interpreter(environment.python).distributions
            own = [found.name for found in installed if found.from_folder]
            with tempfile.TemporaryDirectory(prefix="pinproof-imports-") as folder:
                report = Path(folder) / "report.json"
                try:
                    self._inside(environment, "imports.py", report, *own, folder=Path(folder))
                except StepError as error:
                    found: StepResult = json.loads(report.read_bytes()) if report.exists() else {}
                    ended = {
                        "distribution": found.get("of", ""),
                        "module": found.get("importing", ""),
                        "error": f"the process ended: {error}",
                    }
                    return found | {"failures": [ended]}
                return self._report(report, environment, Path(folder))

        result = self._store.step(["imports", environment.key, self._code], work)
        return ImportResult.model_validate(result)

    def data(self, environment: Environment) -> Path:
        """The folder that the commands under `prepare` have filled."""

        def fill(folder: Path) -> None:
            self.log("preparing the data")
            with tempfile.TemporaryDirectory(prefix="pinproof-work-") as work:
                self._commands(
                    environment, self.job.proof.prepare, data=folder, work=Path(work), model=folder
                )

        try:
            return self._store.folder(
                ["data", environment.key, self._code, *_flat(self.job.proof.prepare)], fill
            )
        except StepError as error:
            raise error.as_user_error(self.job.service) from error

    def train(self, environment: Environment, data: Path) -> Path:
        """Train and seal a model, and return its folder.

        Raises:
            StepError: Training or sealing ended with an error.
        """

        def fill(folder: Path) -> None:
            self.log("training and sealing a model")
            with tempfile.TemporaryDirectory(prefix="pinproof-work-") as work:
                self._commands(
                    environment,
                    self.job.proof.train,
                    data=data,
                    work=Path(work),
                    model=folder / "model",
                )
            if not (folder / "model" / "manifest.json").is_file():
                raise StepError("the commands under train sealed no model in {model}.")

        parts = ["train", environment.key, data.name, self._code, *_flat(self.job.proof.train)]
        return self._store.folder(parts, fill) / "model"

    def replay(self, environment: Environment, model: Path) -> ReplayResult:
        """Open a model, load it without checking its seal, and predict its golden inputs."""

        def work() -> StepResult:
            self.log("replaying the golden inputs")
            with tempfile.TemporaryDirectory(prefix="pinproof-replay-") as folder:
                report = Path(folder) / "report.json"
                try:
                    self._inside(environment, "replay.py", model, report, folder=Path(folder))
                except StepError as error:
                    code = "import" if "Error" in str(error) else "load"
                    return {"code": code, "message": str(error), "outputs": {}, "refusal": code}
                return self._report(report, environment, Path(folder))

        parts = ["replay", environment.key, self._code, (model / "manifest.json").read_text()]
        return ReplayResult.model_validate(self._store.step(parts, work))

    def _inside(
        self, environment: Environment, script: str, *arguments: "Path | str", folder: Path
    ) -> None:
        command = [str(_INSIDE / script), *map(str, arguments)]
        self._run(environment, command, folder)

    def _commands(
        self, environment: Environment, commands: Sequence[Sequence[str]], **places: Path
    ) -> None:
        for command in commands:
            filled = [_fill(argument, places) for argument in command]
            self._run(environment, filled, places["work"])

    def _run(self, environment: Environment, arguments: list[str], folder: Path) -> None:
        kept = os.environ.keys() - _REMOVED_VARIABLES
        try:
            run = subprocess.run(  # noqa: S603 - commands of the policy and programs of our own
                end_with_parent([str(environment.python), *arguments]),
                cwd=folder,
                env={name: os.environ[name] for name in kept},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StepError(f"it did not finish within {_TIMEOUT_S} s.") from error
        if run.returncode:
            raise StepError(
                self._tidy(run.stderr, environment, folder) or f"exit {run.returncode}."
            )

    def _report(self, path: Path, environment: Environment, folder: Path) -> StepResult:
        text = path.read_text(encoding="utf-8")
        answer: StepResult = json.loads(self._nameless(text, environment, folder))
        return answer

    def _tidy(self, text: str, environment: Environment, folder: Path) -> str:
        """The end of an error message."""
        text = self._nameless(text, environment, folder).rpartition("\r")[2].strip()
        return text if len(text) <= _MAX_QUOTE else f"…{text[-_MAX_QUOTE:]}"

    def _nameless(self, text: str, environment: Environment, folder: Path) -> str:
        """Replace the paths of folders of this machine."""
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
