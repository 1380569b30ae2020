"""Reads JSON bodies strictly and at a bounded cost.

Parsing and validating a body blocks the event loop, and so every probe: a megabyte of empty lists
or unknown fields took seconds. A body with too many values is refused before that, and large
bodies are read one at a time.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import FailFast
from starlette.requests import Request
from starlette.responses import Response

from servicekit.errors import DuplicateKeyError, JsonTooComplexError

T = TypeVar("T")

Batch = Annotated[list[T], FailFast()]
"""The rows of a batch; validation stops at the first invalid row."""

# Each unknown key of an object is an error of its own.
MAX_OBJECT_KEYS: Final = 1000

# Bodies up to this size are parsed in a fraction of a millisecond, without waiting for others.
SMALL_BYTES: Final = 8192

# Turns of the event loop before a larger body is parsed; parsing it takes much longer than these.
_TURNS: Final = 8

_STRING_OR_ITEM: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[,\[{]', re.DOTALL)


def parse_json(body: bytes, *, max_items: int) -> object:
    """Read a JSON document.

    Args:
        body: The document.
        max_items: The most values, counting list elements, object fields, lists and objects.

    Raises:
        ValueError: It is not JSON, or not text in UTF-8, UTF-16 or UTF-32.
        JsonTooComplexError: It has too many values, an object with too many keys, or is nested
            too deeply.
        DuplicateKeyError: An object has a key twice. Parsers differ on which of the two counts
            (RFC 8259, section 4).
    """
    if _may_have_more(body, max_items) and _has_more(body, max_items):
        raise JsonTooComplexError(f"The body may hold {max_items} values. Send several requests.")
    try:
        return _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError as error:
        raise JsonTooComplexError("The body is nested too deeply.") from error


class _StrictRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401 - what Starlette says
        if not hasattr(self, "_json"):
            body = await self.body()
            runtime = self.app.state.runtime
            if len(body) <= SMALL_BYTES:
                self._json = parse_json(body, max_items=runtime.settings.max_json_items)
            else:
                async with runtime.parsing:
                    # Probes are answered between two bodies. In each turn, the event loop accepts
                    # one connection, and a probe often comes with a new one.
                    for _ in range(_TURNS):
                        await asyncio.sleep(0)
                    self._json = parse_json(body, max_items=runtime.settings.max_json_items)
        return self._json


class StrictRoute(APIRoute):
    """An endpoint that reads JSON by `parse_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """A handler that reads the request's JSON strictly."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class ServiceRouter(APIRouter):
    """A router whose endpoints read JSON strictly. `create_app` accepts no other."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - FastAPI's own
        super().__init__(**{"route_class": StrictRoute, **options})


def _may_have_more(body: bytes, limit: int) -> bool:
    """Whether there are so many commas and brackets, strings included: a quick first check."""
    return len(body) > limit and sum(map(body.count, (b",", b"[", b"{"))) > limit


def _has_more(body: bytes, limit: int) -> bool:
    """Whether there are more values. Each follows a comma or an opening bracket."""
    items = 0
    for match in _STRING_OR_ITEM.finditer(body):
        items += match[0][0] != ord('"')
        if items > limit:
            return True
    return False


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MAX_OBJECT_KEYS:
        raise JsonTooComplexError(f"An object may have {MAX_OBJECT_KEYS} keys.")
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        raise DuplicateKeyError(next(key for key in found if names.count(key) > 1))
    return found


# `json.loads` with options would make one each time.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object)
