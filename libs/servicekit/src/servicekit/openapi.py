"""Adds API keys and error answers to the OpenAPI document."""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from servicekit.problems import MEDIA_TYPE, ProblemSpec
from servicekit.settings import ServiceSettings

PROBLEM: Final = "Problem"

_TEXT: Final = {"type": "string"}
_FIELD_ERROR: Final = {
    "type": "object",
    "properties": {"location": _TEXT, "field": _TEXT, "message": _TEXT, "code": _TEXT},
    "required": ["location", "field", "message", "code"],
    "additionalProperties": False,
}
_SCHEMA: Final = {
    "title": PROBLEM,
    "description": "The reason why a request was not answered (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {**_TEXT, "description": "A stable name of the reason."},
        "title": {**_TEXT, "description": "The meaning of the type."},
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "The error and its remedy."},
        "request_id": {**_TEXT, "description": "The request id, as in the header and in the log."},
        "errors": {"type": "array", "items": _FIELD_ERROR, "description": "The invalid fields."},
    },
    "required": ["type", "title", "status", "detail"],
}
_STATUSES: Final = (400, 408, 413, 422, 431, 500, 503, 504)
_OF_BODIES: Final = (415,)
_OF_KEYS: Final = (401,)


def openapi_document(
    app: FastAPI,
    settings: ServiceSettings,
    problems: Mapping[type[Exception], ProblemSpec],
    *,
    open_paths: Collection[str],
) -> Callable[[], dict[str, Any]]:
    """Make a function that returns the application's document, which is built on its first call.

    Args:
        app: The application.
        settings: The settings, which say whether keys are needed.
        problems: The service's own errors.
        open_paths: Paths that need no key.
    """

    def document() -> dict[str, Any]:
        found = app.openapi()
        components = found.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        if PROBLEM in schemas:
            return found
        schemas[PROBLEM] = _SCHEMA
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, item in found["paths"].items():
            for operation in item.values():
                statuses = {*_STATUSES, *(one.status for one in problems.values())}
                statuses.update(_OF_BODIES if "requestBody" in operation else ())
                needs_key = settings.authenticates and path not in open_paths
                if needs_key:
                    statuses.update(_OF_KEYS)
                elif settings.authenticates:
                    operation["security"] = []
                operation["responses"].update({str(one): _answer(one) for one in sorted(statuses)})
        if settings.authenticates:
            components["securitySchemes"] = {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            }
            found["security"] = [{"key": []}, {"bearer": []}]
        return found

    return document


def _answer(status: int) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
