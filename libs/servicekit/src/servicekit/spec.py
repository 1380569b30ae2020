"""What a service tells servicekit about itself."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from servicekit.errors import ServiceError
from servicekit.problems import ProblemSpec
from servicekit.runtime import Runtime

__all__ = ["ServiceSpec"]


@dataclass(frozen=True)
class ServiceSpec:
    """A service, as far as servicekit is concerned.

    Attributes:
        name: A short name for logs.
        title: The heading of the API's documentation.
        version: The service's version; the model has its own.
        description: What the service does, a paragraph.
        router: Its endpoints, all of them coroutines.
        problems: How its own errors are answered.
        background: Work that goes on beside the requests, from the start until it is cancelled at
            the end. When it fails, that is logged, and the service is not ready any more.
        obstacle: What keeps the service from being ready though its model is proven; None where
            nothing does. Asked for every ``/ready``, so it only looks.
        open_paths: Paths of its own that need no API key: pages that hold no data.
    """

    name: str
    title: str
    version: str
    description: str
    router: APIRouter
    problems: Mapping[type[Exception], ProblemSpec] = field(default_factory=dict)
    background: Callable[[Runtime], Coroutine[Any, Any, None]] | None = None
    obstacle: Callable[[Runtime], ServiceError | None] | None = None
    open_paths: tuple[str, ...] = ()
