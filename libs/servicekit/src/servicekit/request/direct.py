"""An endpoint that is called directly, with what is known of it at the start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import ResponseValidationError
from fastapi.routing import RouteContext
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from servicekit.json_body import SMALL_BYTES, parse_json
from servicekit.runtime import Runtime, get_runtime

Call = Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """A function to call.

    Attributes:
        call: The function.
        sources: The functions whose results are its arguments, by the arguments' names.
        request_name: The name of its argument that is the request.
    """

    call: Call
    sources: Mapping[str, Call]
    request_name: str | None

    def arguments(self, results: Mapping[Call, Any], request: Request | None) -> dict[str, Any]:
        """The function's arguments, from the results of other functions."""
        found = {name: results[source] for name, source in self.sources.items()}
        if self.request_name is not None:
            found[self.request_name] = request
        return found


class DirectEndpoint:
    """An endpoint, the functions that give it arguments, and the model of its answer.

    Args:
        context: The endpoint's route.
        steps: Its dependencies, each after its own; the endpoint is the last.
        runtime: The service's runtime.
    """

    def __init__(self, context: RouteContext, steps: Sequence[Step], runtime: Runtime) -> None:
        *self._dependencies, self._endpoint = steps
        self._route = context.original_route
        self._runtime = runtime
        self._body = context.dependant.body_params
        self._query = {field.name: field.default for field in context.dependant.query_params}
        self._response_field = context.response_field
        self._needs_request = any(step.request_name is not None for step in steps)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer a request.

        Returns:
            None if it is answered. Otherwise FastAPI answers it: this returns the messages for it.
        """
        if self._query and scope["query_string"]:
            return receive
        values = self._query.copy()
        if self._body:
            if not _is_json(scope["headers"]):
                return receive
            body = await _read(receive)
            receive = _Replay(body, receive).receive
            if not self._read_body(body, values):
                return receive
        scope["route"] = self._route
        request = Request(scope, receive, send) if self._needs_request else None
        results: dict[Call, Any] = {get_runtime: self._runtime}
        for step in self._dependencies:
            results[step.call] = await step.call(**step.arguments(results, request))
        endpoint = self._endpoint
        found = await endpoint.call(**endpoint.arguments(results, request), **values)
        if isinstance(found, Response):
            await found(scope, receive, send)
        else:
            await _send_json(self._encode(found), send)
        return None

    def _read_body(self, body: bytes, values: dict[str, Any]) -> bool:
        """Read and validate a body; False if it is invalid, or so large that it must wait."""
        if not 0 < len(body) <= SMALL_BYTES:
            return False
        try:
            read = parse_json(body, max_items=self._runtime.settings.max_json_items)
        except ValueError:
            return False
        (field,) = self._body
        values[field.name], errors = field.validate(read, {})
        return not errors

    def _encode(self, found: Any) -> bytes:  # noqa: ANN401 - what the endpoint returns
        value, errors = self._response_field.validate(found, {}, loc=("response",))
        if errors:
            raise ResponseValidationError(errors=errors, body=found)
        encoded: bytes = self._response_field.serialize_json(value)
        return encoded


class _Replay:
    """Returns a body that was read already, and then the server's messages."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def receive(self) -> Message:
        """Return the next message."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _send_json(body: bytes, send: Send) -> None:
    length = str(len(body)).encode("ascii")
    headers = [(b"content-length", length), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        parts = [body]
        while message.get("more_body", False):
            message = await receive()
            parts.append(message.get("body", b""))
        body = b"".join(parts)
    return body


def _is_json(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        if name == b"content-type":
            return value.partition(b";")[0] == b"application/json"
    return False
