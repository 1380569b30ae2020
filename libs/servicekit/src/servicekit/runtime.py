"""The state that endpoints use: the proven model, worker threads, counters, settings."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ParamSpec, Protocol, TypeVar

import structlog
from fastapi import Depends, Request
from modelseal import OpenedModel, SealedModelError

from servicekit.background import BackgroundWork
from servicekit.errors import ModelNotReadyError, NotReadyError, ServiceError
from servicekit.lifecycle import Lifecycle
from servicekit.metrics import Metrics
from servicekit.request.request_id import REQUEST_ID
from servicekit.settings import ServiceSettings
from servicekit.workers import Job, WorkerPool

P = ParamSpec("P")
T = TypeVar("T")


class ModelOpener(Protocol):
    """Opens a sealed model, as `modelseal.open_sealed` does."""

    def __call__(
        self, directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
    ) -> OpenedModel:
        """Verify, load and prove the model in a folder."""
        ...


@dataclass(frozen=True)
class Refusal:
    """The reason why the model was refused.

    Attributes:
        code: A stable name of the reason.
        message: The error and its remedy.
    """

    code: str
    message: str


class Runtime:
    """The state of a running service. `create_app` makes it; endpoints get it by `RuntimeDep`.

    Attributes:
        name: The service's short name.
        settings: The service's settings.
        lifecycle: Tells whether the process drains.
        metrics: Its metrics.
        workers: Its worker threads.
        parsing: Lock that is held while a large body is parsed and validated.
        refusal: The reason why the model was refused, or None.
        on_model_ready: Called when the model is proven, before requests are answered with it.
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
        self.on_model_ready: Callable[[], None] = lambda: None
        self._open_model = open_model
        self._opened: OpenedModel | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._readiness_check: Callable[[Runtime], ServiceError | None] | None = None
        self._background: BackgroundWork | None = None
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
    def request_id(self) -> str:
        """The id of the request that is being answered, in its endpoint."""
        return REQUEST_ID.get() or ""

    @property
    def refusal_reason(self) -> str:
        """The reason that answers give for a refused model: all of it, or where to find it."""
        if self.refusal is not None and self.settings.shows_refusal_details:
            return self.refusal.message
        return "The log says why."

    def not_ready(self) -> ModelNotReadyError:
        """The error to raise while there is no model."""
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
            n: Number of predictions.
        """
        self.metrics.count_prediction(label, n)

    def count_warning(self, code: str, n: int = 1) -> None:
        """Count warnings on predictions, such as inputs outside the training data.

        Args:
            code: The warning's code, one of few.
            n: Number of warnings.
        """
        self.metrics.count_warning(code, n)

    async def run_in_worker(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that takes longer than about a millisecond in a worker thread.

        The request's deadline applies: when it passes, the request is answered with 504. The thread
        stays busy until its work is done.

        Args:
            work: The function.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
        """
        return await self.workers.run(work, *args, **kwargs)

    def job(self, kind: str, cost: float) -> AbstractAsyncContextManager[Job]:
        """Run one request's work in worker threads, in one or more steps (``await job.run(...)``).

        Jobs run in the order of their requests. A job that would miss its deadline because of
        earlier jobs is refused at once with 503. Quick jobs may run between the steps of long ones.

        Args:
            kind: Kind of work, one of few. Jobs of a kind take the same time per unit of cost.
            cost: The cost, such as the number of rows or characters.
        """
        return self.workers.job(kind, cost)

    def readiness_check(self) -> ServiceError | None:
        """The reason why the service is not ready although its model is proven, or None."""
        if self._background is not None and self._background.has_failed:
            return NotReadyError("The background work failed and is restarted; the log says why.")
        return self._readiness_check(self) if self._readiness_check is not None else None

    def start(
        self,
        *,
        background: "Callable[[Runtime], Coroutine[Any, Any, None]] | None" = None,
        readiness_check: "Callable[[Runtime], ServiceError | None] | None" = None,
    ) -> None:
        """Start to load the model. Called when the application's lifespan starts.

        Args:
            background: The service's background work. A failure is logged, and the work is
                restarted after a growing pause; until then the service is not ready.
            readiness_check: Returns another reason why the service is not ready, or None.
        """
        self._readiness_check = readiness_check
        self._tasks = [asyncio.create_task(self._load_model())]
        if background is not None:
            self._background = BackgroundWork(lambda: background(self))
            self._tasks.append(asyncio.create_task(self._background.run()))

    async def stop(self) -> None:
        """Cancel tasks and close threads. Called when the application's lifespan ends."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.workers.close()

    async def _load_model(self) -> None:
        """Open the sealed model in a thread, and keep it or the reason for its refusal."""
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
        except Exception as error:  # noqa: BLE001 - logged; the process must stay alive to report it
            self._log.exception("model opening failed", directory=str(directory))
            self._refuse(
                Refusal("unexpected", f"{type(error).__name__} while opening; see the log.")
            )
        else:
            manifest = opened.manifest
            self.metrics.model_proven(manifest.name, manifest.version, opened.sha256)
            self.on_model_ready()
            self._opened = opened
            self._log.info(
                "model proven", model=manifest.name, version=manifest.version, sha256=opened.sha256
            )

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.metrics.model_refused(refusal.code)
        self._log.error("model refused", code=refusal.code, reason=refusal.message)


async def get_runtime(request: Request) -> Runtime:
    """The runtime of the application that a request came to.

    A coroutine although nothing is awaited: FastAPI runs a plain function in a thread.
    """
    runtime: Runtime = request.app.state.runtime
    return runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]
"""An endpoint's parameter of this type is given the runtime."""
