"""What a service declares for the benchmark of serving, in ``bench/serving.py`` of its folder.

The file has a function ``workloads(work)``, which returns a list of `Workload`. ``work`` is the
folder that `prepare` trained the service in: ``work/model`` is the sealed model, and other names
are those of ``{work}`` in the service's ``service.toml``.

It may also have ``prepare(work)``, which is called once before, in a process of its own. It makes
what further workloads need, and returns the reasons of those that are left out by their names.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pydantic import BaseModel

CONNECTIONS: Final = (1, 10, 50, 200)


@dataclass(frozen=True)
class Workload:
    """One kind of request, and the ways to answer it. Each way opens what it needs when called.

    Attributes:
        name: Its name, such as ``predict``.
        method: HTTP method.
        path: Path with its query.
        body: JSON value of the body; None for a request without one.
        request: Model of the body, or of the query if there is no body.
        response: Type of the answer, as FastAPI takes it.
        expected: Returns what every answer must have, computed by the pipeline: values by their
            dotted paths in the answer. Numbers may differ by `tolerance`.
        model_code: Opens the service's own model code; a function from requests to answers.
        pipeline: Opens the plain scikit-learn pipeline; a function from requests as JSON objects
            to one number each. None if there is no such pipeline.
        pipeline_file: File of the pipeline in the model's folder, in joblib's format.
        pipeline_number: The path in `expected` of the pipeline's number.
        session: Opens the runtime of the model's network alone; a function from one request.
            None if the model is no network.
        model: Folder of the sealed model that answers; None for ``work/model``.
        ancestor: Opens the design that this service replaced; a function, called in a thread, from
            one request to an answer as JSON. None if it had no such endpoint.
        connections: Numbers of connections to measure at.
        seconds: Seconds to measure at each; None for the seconds of the command line.
        peers: Whether other servers are measured with it.
        tolerance: Largest difference of a number from the expected one.
    """

    name: str
    method: str
    path: str
    body: Any
    request: type[BaseModel]
    response: Any
    expected: Callable[[], Mapping[str, Any]]
    model_code: Callable[[], Callable[[Sequence[Any]], Sequence[Any]]]
    pipeline: Callable[[], Callable[[Sequence[Any]], Sequence[float]]] | None = None
    pipeline_file: str = ""
    pipeline_number: str = ""
    session: Callable[[], Callable[[Any], object]] | None = None
    model: Path | None = None
    ancestor: Callable[[], Callable[[Any], Any]] | None = None
    connections: tuple[int, ...] = CONNECTIONS
    seconds: int | None = None
    peers: bool = False
    tolerance: float = 1e-5

    def example(self) -> BaseModel:
        """The request, validated."""
        if self.body is not None:
            return self.request.model_validate(self.body)
        query = self.path.partition("?")[2]
        pairs = (one.partition("=") for one in query.split("&") if one)
        return self.request.model_validate({name: value for name, _, value in pairs})


def load(service: Path, work: Path) -> list[Workload]:
    """The workloads that a service declares.

    Args:
        service: Folder of the service.
        work: Folder that it was trained in.
    """
    found: list[Workload] = _declared(service).workloads(work)
    return found


def prepare(service: Path, work: Path) -> dict[str, str]:
    """Make what further workloads need; the reasons of those that are left out, by name."""
    make: Callable[[Path], dict[str, str]] | None = getattr(_declared(service), "prepare", None)
    return make(work) if make is not None else {}


def _declared(service: Path) -> ModuleType:
    file = service / "bench" / "serving.py"
    spec = importlib.util.spec_from_file_location("declared_workloads", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
