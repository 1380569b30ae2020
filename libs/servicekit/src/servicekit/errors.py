"""The errors that servicekit raises on purpose, with their HTTP statuses and stable codes.

They derive from `HTTPException`, because FastAPI turns any other exception that is raised while a
body is read into "400, there was an error parsing the body".
"""

from collections.abc import Mapping
from typing import ClassVar

from starlette.exceptions import HTTPException


class ServiceError(HTTPException):
    """A request is answered with a problem document.

    Attributes:
        status: The HTTP status of the answer.
        code: A stable name: the problem's type, and the reason in metrics and logs.
        title: What the code means, for people.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.status, detail, headers)


class UnauthorizedError(ServiceError):
    """No API key, or an unknown one."""

    status, code, title = 401, "unauthorized", "A valid API key is required"

    def __init__(self) -> None:
        super().__init__(
            "Send one of the service's keys in the header X-API-Key, or as a bearer token in "
            "Authorization.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class BodyTimeoutError(ServiceError):
    """The client did not finish sending the body in time."""

    status, code, title = 408, "body-timeout", "The request's body did not arrive in time"


class BodyTooLargeError(ServiceError):
    """The body is larger than the service reads."""

    status, code, title = 413, "body-too-large", "The request's body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may have {limit} bytes. Send less, in several requests.")


class UnsupportedMediaTypeError(ServiceError):
    """The body is not JSON."""

    status, code, title = 415, "unsupported-media-type", "The request's body must be JSON"

    def __init__(self) -> None:
        super().__init__("Send JSON, with the header Content-Type: application/json.")


class JsonTooComplexError(ServiceError):
    """The body holds more values than the service reads."""

    status, code, title = 422, "json-too-complex", "The request's body has too many values"


class DuplicateKeyError(ServiceError):
    """An object in the body has a key twice."""

    status, code, title = 422, "duplicate-key", "The request's body has a key twice"

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key[:60]!a} comes more than once in one object.")


class ClientDisconnectedError(ServiceError):
    """The client disconnected. The answer is not sent; logs and metrics count it."""

    status, code, title = 499, "client-disconnected", "The client disconnected"

    def __init__(self) -> None:
        super().__init__("The client closed the connection before the answer was ready.")


class OverloadedError(ServiceError):
    """The service has as many requests as it works on and queues."""

    status, code, title = 503, "overloaded", "The service is overloaded"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class ModelNotReadyError(ServiceError):
    """There is no proven model to predict with: it is still loading, or it was refused."""

    status, code, title = 503, "model-not-ready", "The model is not ready"


class NotReadyError(ServiceError):
    """The service lacks something other than the model."""

    status, code, title = 503, "not-ready", "The service is not ready"


class DrainingError(ServiceError):
    """The process got SIGTERM and is no longer ready; it still answers requests."""

    status, code, title = 503, "draining", "The service is about to stop"

    def __init__(self) -> None:
        super().__init__("The process was asked to stop. Send new requests to another one.")


class ShuttingDownError(ServiceError):
    """The process ends before it could finish this request."""

    status, code, title = 503, "shutting-down", "The service is shutting down"

    def __init__(self) -> None:
        super().__init__(
            "The process stopped before the answer was ready. Send the request again.",
            headers={"Retry-After": "1"},
        )


class DeadlineExceededError(ServiceError):
    """The answer took longer than the service allows."""

    status, code, title = 504, "deadline-exceeded", "The answer took too long"

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"The answer was not ready within {limit_s:g} s. Send less at a time.")
