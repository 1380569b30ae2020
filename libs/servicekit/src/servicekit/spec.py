"""The description of a service that `create_app` takes."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from servicekit.errors import ServiceError
from servicekit.problems import ProblemSpec
from servicekit.runtime import Runtime


@dataclass(frozen=True)
class ServiceSpec:
    """The parts of a service that are its own.

    Attributes:
        name: A short name for logs.
        title: The heading of the API's documentation.
        version: The service's version; the model has a version of its own.
        description: A paragraph on what the service does.
        router: Its endpoints, all of them coroutines.
        problems: The answers to its own errors.
        background: Background work, from start to end of the process. A failure is logged, and the
            service is not ready until the work is restarted.
        readiness_check: Returns the reason why the service is not ready although its model is
            proven, or None. It is called for every ``/ready``, so it must be quick.
        open_paths: Paths of its own that need no API key: pages without data.
        lifespan: Returns a context that is entered before the model is loaded, and left after the
            last answer.
    """

    name: str
    title: str
    version: str
    description: str
    router: APIRouter
    problems: Mapping[type[Exception], ProblemSpec] = field(default_factory=dict)
    background: Callable[[Runtime], Coroutine[Any, Any, None]] | None = None
    readiness_check: Callable[[Runtime], ServiceError | None] | None = None
    open_paths: tuple[str, ...] = ()
    lifespan: Callable[[Runtime], AbstractAsyncContextManager[None]] | None = None
