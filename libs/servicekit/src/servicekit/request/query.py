"""Refuses unknown and repeated query parameters.

FastAPI ignores unknown parameters and takes the last of repeated ones. A client that writes
``area_id=8`` for ``area=8`` would get an answer to another question.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from re import Pattern
from typing import Any
from urllib.parse import parse_qsl

from fastapi.exceptions import RequestValidationError
from starlette.routing import compile_path

Parameters = dict[str, bool]
"""An endpoint's query parameters by name, and whether each may be repeated."""

Operations = dict[str, Parameters]
"""The parameters of a path's endpoints, by method."""


class QueryCheck:
    """Refuses query parameters that are unknown, or repeated where the endpoint takes one.

    Args:
        schema: Returns the service's OpenAPI document, which lists the parameters of each
            endpoint. It is called once, at the first request with a query. Paths that are not in it
            are not checked.
    """

    def __init__(self, schema: Callable[[], dict[str, Any]]) -> None:
        self._schema = schema

    def check(self, path: str, method: str, query: bytes) -> None:
        """Check the query of a request.

        Raises:
            RequestValidationError: A parameter is unknown, or comes more than once.
        """
        parameters = self._parameters(path, method)
        if parameters is not None and (errors := _errors(query, parameters)):
            raise RequestValidationError(errors)

    def _parameters(self, path: str, method: str) -> Parameters | None:
        fixed, patterns = self._endpoints
        operations = fixed.get(path)
        if operations is None:
            found = (those for pattern, those in patterns if pattern.match(path))
            operations = next(found, {})
        return operations.get(method)

    @cached_property
    def _endpoints(self) -> tuple[dict[str, Operations], list[tuple[Pattern[str], Operations]]]:
        """The endpoints of fixed paths, and of paths with parameters of their own."""
        fixed: dict[str, Operations] = {}
        patterns: list[tuple[Pattern[str], Operations]] = []
        for path, operations in self._schema()["paths"].items():
            by_method = {
                method.upper(): {
                    parameter["name"]: _is_list(parameter["schema"])
                    for parameter in operation.get("parameters", [])
                    if parameter["in"] == "query"
                }
                for method, operation in operations.items()
            }
            if "{" in path:
                patterns.append((compile_path(path)[0], by_method))
            else:
                fixed[path] = by_method
        return fixed, patterns


def _is_list(schema: Mapping[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in (schema, *schema.get("anyOf", ())))


def _errors(query: bytes, parameters: Parameters) -> list[dict[str, object]]:
    # As Starlette reads it: two readings of one query would be a way around this.
    given = Counter(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    known = ", ".join(parameters) if parameters else "none"
    return [
        {
            "type": "repeated_parameter" if name in parameters else "unknown_parameter",
            "loc": ("query", name),
            "msg": (
                f"Given {count} times; give it once"
                if name in parameters
                else f"Unknown parameter; known are: {known}"
            ),
        }
        for name, count in given.items()
        if name not in parameters or (count > 1 and not parameters[name])
    ]
