"""What a service tells servicekit about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from servicekit.problems import ProblemSpec

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
    """

    name: str
    title: str
    version: str
    description: str
    router: APIRouter
    problems: Mapping[type[Exception], ProblemSpec] = field(default_factory=dict)
