"""Errors as problem documents (RFC 9457): the one place that maps an exception to a status."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from servicekit.errors import ServiceError, UnsupportedMediaTypeError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem-type:"

# A hostile body can have a million errors; a person reads the first few.
MAX_FIELD_ERRORS = 20
MAX_TEXT = 500
MAX_PATH_PART = 60


@dataclass(frozen=True)
class ProblemSpec:
    """The answer to one of a service's own errors; the detail is the error's message.

    Attributes:
        status: The HTTP status.
        code: A stable name in kebab-case, the last part of the problem's type.
        title: The meaning of the code, for people.
    """

    status: int
    code: str
    title: str


class ProblemResponse(Response):
    """A problem document in ASCII, so that no character of a request can break it."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        spec: ProblemSpec,
        detail: str,
        request_id: str | None,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        document: dict[str, object] = {
            "type": TYPE_PREFIX + spec.code,
            "title": spec.title,
            "status": spec.status,
            "detail": detail,
            **(extra or {}),
        }
        if request_id is not None:
            document["request_id"] = request_id
        super().__init__(
            json.dumps(document, allow_nan=False),
            status_code=spec.status,
            headers=dict(headers) if headers else None,
        )


class ProblemCatalog:
    """Maps exceptions to problems.

    Args:
        problems: The service's own errors; a subclass is answered as its nearest listed ancestor.
        on_refusal: Called with the code of every `ServiceError` that is answered, for metrics.
    """

    def __init__(
        self,
        problems: Mapping[type[Exception], ProblemSpec],
        on_refusal: Callable[[str], None] = lambda _code: None,
    ) -> None:
        self._problems = dict(problems)
        self._on_refusal = on_refusal
        self._log = structlog.stdlib.get_logger("servicekit.problems")

    def response(self, error: Exception, scope: Scope) -> ProblemResponse:
        """The answer to a request that failed with an error.

        Args:
            error: The error.
            scope: The request's scope. Its state has the request id, and gets the problem's code
                for the access log.
        """
        if isinstance(error, RequestValidationError) and isinstance(error.body, bytes):
            # FastAPI passes an unparsed body if its content type is not JSON.
            error = UnsupportedMediaTypeError()
        state = scope.setdefault("state", {})
        request_id = state.get("request_id")
        spec = self._spec(error)
        state["problem"] = spec.code
        if isinstance(error, ServiceError):
            self._on_refusal(spec.code)
        if isinstance(error, RequestValidationError):
            findings = error.errors()
            return ProblemResponse(
                spec, _count(findings), request_id, extra={"errors": _fields(findings)}
            )
        if isinstance(error, HTTPException):
            return ProblemResponse(spec, str(error.detail), request_id, headers=error.headers)
        if self._declared(error) is not None:
            return ProblemResponse(spec, str(error)[:MAX_TEXT], request_id)
        self._log.error("unexpected error", error=type(error).__name__, exc_info=error)
        return ProblemResponse(
            spec, "The service failed. Its log has the details under the request id.", request_id
        )

    def _declared(self, error: Exception) -> ProblemSpec | None:
        for kind in type(error).__mro__:
            if kind in self._problems:
                return self._problems[kind]
        return None

    def _spec(self, error: Exception) -> ProblemSpec:
        declared = self._declared(error)
        if declared is not None:
            return declared
        if isinstance(error, ServiceError):
            return ProblemSpec(error.status, error.code, error.title)
        if isinstance(error, RequestValidationError):
            return ProblemSpec(422, "validation", "The request is invalid")
        status = error.status_code if isinstance(error, HTTPException) else 500
        phrase = _phrase(status)
        return ProblemSpec(status, phrase.lower().replace(" ", "-").replace("'", ""), phrase)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _count(errors: Sequence[Any]) -> str:
    shown = f"; the first {MAX_FIELD_ERRORS} are listed" if len(errors) > MAX_FIELD_ERRORS else ""
    noun = "error" if len(errors) == 1 else "errors"
    return f"{len(errors)} validation {noun}{shown}."


def _fields(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Fields and reasons without the input, which may be secret, huge, or not JSON (NaN)."""
    return [
        {
            "location": str(error["loc"][0]) if error["loc"] else "request",
            "field": ".".join(_path(error["loc"][1:])),
            "message": str(error["msg"])[:MAX_TEXT],
            "code": str(error["type"])[:MAX_TEXT],
        }
        for error in errors[:MAX_FIELD_ERRORS]
    ]


def _path(location: Sequence[object]) -> Iterator[str]:
    for part in location:
        text = str(part)
        yield text if len(text) <= MAX_PATH_PART else text[:MAX_PATH_PART] + "..."
