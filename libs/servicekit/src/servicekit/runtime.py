"""What an endpoint may use: the proven model, threads for long work, counters, the settings."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, ParamSpec, Protocol, TypeVar

import structlog
from fastapi import Depends, Request
from modelseal import OpenedModel, SealedModelError

from servicekit.errors import ModelNotReadyError, NotReadyError, ServiceError
from servicekit.lifecycle import Lifecycle
from servicekit.metrics import Metrics
from servicekit.settings import ServiceSettings
from servicekit.workers import Job, WorkerPool

__all__ = ["ModelOpener", "Refusal", "Runtime", "RuntimeDep", "get_runtime"]

# Seconds before work that failed is begun again: soon at first, then ever less often.
RESTART_FIRST_S: Final = 0.5
RESTART_MOST_S: Final = 60.0

P = ParamSpec("P")
T = TypeVar("T")


class ModelOpener(Protocol):
    """What opens a sealed model: `modelseal.open_sealed`."""

    def __call__(
        self, directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
    ) -> OpenedModel:
        """Verify, load and prove the model in a folder."""
        ...


@dataclass(frozen=True)
class Refusal:
    """Why there is no model.

    Attributes:
        code: A stable name of the reason.
        message: What is wrong, and the remedy.
    """

    code: str
    message: str


class Runtime:
    """The state of one running service, made by `create_app`; endpoints get it by `RuntimeDep`.

    Attributes:
        name: The service's short name.
        settings: The service's settings.
        lifecycle: Whether the process drains.
        metrics: What it counts.
        workers: Its threads.
        parsing: Held while a large body is parsed and validated.
        refusal: Why the model was refused, or None.
        when_proven: Called once the model is proven, before requests are answered with it.
    """

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        *,
        lifecycle: Lifecycle,
        metrics: Metrics,
        workers: WorkerPool,
        open_model: ModelOpener,
    ) -> None:
        self.name = name
        self.settings = settings
        self.lifecycle = lifecycle
        self.metrics = metrics
        self.workers = workers
        self.parsing = asyncio.Lock()
        self.refusal: Refusal | None = None
        self.when_proven: Callable[[], None] = lambda: None
        self._open_model = open_model
        self._opened: OpenedModel | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._obstacle: Callable[[Runtime], ServiceError | None] | None = None
        self._background_failed = False
        self._log = structlog.stdlib.get_logger("servicekit.model")

    @property
    def opened(self) -> OpenedModel | None:
        """The proven model, or None while there is none."""
        return self._opened

    @property
    def model(self) -> OpenedModel:
        """The proven model.

        Raises:
            ModelNotReadyError: It is still loading, or was refused; answered with 503.
        """
        if self._opened is None:
            raise self.not_ready()
        return self._opened

    @property
    def refusal_reason(self) -> str:
        """What answers say of why the model was refused: all of it, or where to look."""
        if self.refusal is not None and self.settings.tells_refusals:
            return self.refusal.message
        return "The log says why."

    def not_ready(self) -> ModelNotReadyError:
        """The error that says why there is no model."""
        if self.refusal is None:
            return ModelNotReadyError(
                "The model is being loaded and proven.", headers={"Retry-After": "1"}
            )
        return ModelNotReadyError(
            f"The model was refused ({self.refusal.code}): {self.refusal_reason}"
        )

    def count_prediction(self, label: str, n: int = 1) -> None:
        """Count predictions by class.

        Args:
            label: One of the model's few classes, never a value of the request.
            n: How many.
        """
        self.metrics.count_prediction(label, n)

    def count_warning(self, code: str, n: int = 1) -> None:
        """Count warnings on predictions, such as those of inputs outside the training data.

        Args:
            code: The warning's code, one of few.
            n: How many.
        """
        self.metrics.count_warning(code, n)

    async def run_in_worker(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that takes longer than about a millisecond in one of the few threads.

        The request's deadline holds: when it passes, the request is answered with 504 and the
        thread finishes its work unwatched, keeping its place until then.

        Args:
            work: The function.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
        """
        return await self.workers.run(work, *args, **kwargs)

    def job(self, kind: str, cost: float) -> AbstractAsyncContextManager[Job]:
        """Threads for one request's work, in one step or several: ``await job.run(...)`` each.

        Work is done in the order of the requests; what cannot be done before its deadline, because
        of what came before it, is refused at once with 503. A job of several steps lets the quick
        ones pass in between.

        Args:
            kind: Of jobs that take as long for each unit of their cost; one of few.
            cost: Such as rows or characters.
        """
        return self.workers.job(kind, cost)

    def obstacle(self) -> ServiceError | None:
        """What keeps the service from being ready though its model is proven, if anything does."""
        if self._background_failed:
            return NotReadyError(
                "The work in the background failed and is begun again; the log says why."
            )
        return self._obstacle(self) if self._obstacle is not None else None

    def start(
        self,
        *,
        background: "Callable[[Runtime], Coroutine[Any, Any, None]] | None" = None,
        obstacle: "Callable[[Runtime], ServiceError | None] | None" = None,
    ) -> None:
        """Begin to load the model; called when the application's lifespan starts.

        Args:
            background: The service's own work beside the requests. Where it fails, that is logged
                and it is begun again, after a pause that grows; until then this is not ready.
            obstacle: What else keeps it from being ready.
        """
        self._obstacle = obstacle
        self._tasks = [asyncio.create_task(self._load_model())]
        if background is not None:
            self._tasks.append(asyncio.create_task(self._watch_over(background)))

    async def stop(self) -> None:
        """Let go of tasks and threads; called when the application's lifespan ends."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.workers.close()

    async def _watch_over(self, work: "Callable[[Runtime], Coroutine[Any, Any, None]]") -> None:
        loop = asyncio.get_running_loop()
        pauses = restart_pauses()
        while True:
            began = loop.time()
            self._background_failed = False
            try:
                await work(self)
            except Exception:  # noqa: BLE001 - logged; the process must live to tell
                # Cancelled at the end of the process is no failure; it does not come here.
                if loop.time() - began > RESTART_MOST_S:
                    pauses = restart_pauses()
                pause = next(pauses)
                self._background_failed = True
                self._log.exception("background work failed", again_in_s=pause)
                await asyncio.sleep(pause)
            else:
                return

    async def _load_model(self) -> None:
        """Open the sealed model in a thread and remember it, or why it was refused."""
        directory = self.settings.model_dir
        try:
            opened = await self.workers.run(
                self._open_model,
                directory,
                expected_sha256=self.settings.model_sha256,
                signers=self.settings.model_signers,
            )
        except SealedModelError as error:
            self._refuse(Refusal(error.code, str(error)))
        except Exception as error:  # noqa: BLE001 - logged; the process must live to tell
            self._log.exception("model opening failed", directory=str(directory))
            self._refuse(
                Refusal("unexpected", f"{type(error).__name__} while opening; see the log.")
            )
        else:
            manifest = opened.manifest
            self.metrics.model_proven(manifest.name, manifest.version, opened.sha256)
            self.when_proven()
            self._opened = opened
            self._log.info(
                "model proven", model=manifest.name, version=manifest.version, sha256=opened.sha256
            )

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.metrics.model_refused(refusal.code)
        self._log.error("model refused", code=refusal.code, reason=refusal.message)


def restart_pauses() -> Iterator[float]:
    """Seconds before each new beginning: twice the last one, up to a minute, without end."""
    pause = RESTART_FIRST_S
    while True:
        yield pause
        pause = min(2 * pause, RESTART_MOST_S)


async def get_runtime(request: Request) -> Runtime:
    """The runtime of the application that a request came to.

    A coroutine although nothing is awaited: FastAPI runs a plain function in a thread.
    """
    runtime: Runtime = request.app.state.runtime
    return runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]
"""An endpoint's parameter of this type is given the runtime."""
