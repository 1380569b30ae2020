"""Calls endpoints without FastAPI's routing and dependency solving.

Which route a path has, and which functions give an endpoint its arguments, is known at the start;
FastAPI finds it out again for each request, which takes longer than many endpoints' own work.
FastAPI still does everything else: the OpenAPI document, endpoints with more than this knows, and
requests that are invalid, large, or have parameters in the query, so that no error differs.
"""

from collections.abc import Mapping
from dataclasses import fields
from inspect import isclass, iscoroutinefunction, signature
from types import NoneType
from typing import Final

from fastapi import FastAPI
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.json_body import StrictRoute
from servicekit.request.direct import DirectEndpoint, Step
from servicekit.runtime import Runtime, get_runtime

# The attributes of a dependency and of an endpoint that are handled here. The others must have
# FastAPI's defaults.
_OF_DEPENDENCIES: Final = frozenset(
    {"dependencies", "name", "call", "path", "scope", "request_param_name"}
)
_OF_ENDPOINTS: Final = _OF_DEPENDENCIES | {"query_params", "body_params"}
_DEFAULTS: Final = Dependant()
_CONSTANT: Final = (bool, float, int, str, NoneType)
_ROUTE_DEFAULTS: Final[Mapping[str, object]] = {
    "status_code": None,
    "response_model_include": None,
    "response_model_exclude": None,
    "response_model_by_alias": True,
    "response_model_exclude_unset": False,
    "response_model_exclude_defaults": False,
    "response_model_exclude_none": False,
    "is_sse_stream": False,
    "is_json_stream": False,
    "_embed_body_fields": False,
}


class Endpoints:
    """An application's endpoints, called directly where that makes no difference.

    Args:
        app: The application.
        router: FastAPI's way to its endpoints.
        runtime: The service's runtime.
    """

    def __init__(self, app: FastAPI, router: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._router = router
        self._direct = direct_endpoints(app, runtime)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        endpoint = self._direct.get((scope["path"], scope["method"]))
        if endpoint is not None and not self._app.dependency_overrides:
            unanswered = await endpoint.answer(scope, receive, send)
            if unanswered is None:
                return
            receive = unanswered
        await self._router(scope, receive, send)


def direct_endpoints(app: FastAPI, runtime: Runtime) -> dict[tuple[str, str], DirectEndpoint]:
    """The endpoints that can be called directly, by path and method."""
    contexts = list(iter_route_contexts(app.routes))
    found: dict[tuple[str, str], DirectEndpoint] = {}
    for number, context in enumerate(contexts):
        steps = _steps(context.dependant, _OF_ENDPOINTS) if _is_plain(context) else None
        if steps is None:
            continue
        path: str = context.path_format or ""
        endpoint = DirectEndpoint(context, steps, runtime)
        for method in context.methods or ():
            # The first route that matches is taken.
            if not any(_may_match(one, path, method) for one in contexts[:number]):
                found[path, method] = endpoint
    return found


def _is_plain(context: RouteContext) -> bool:
    """Whether a route is one function at one path, whose result is an answer or of its model."""
    route = context.original_route
    if not isinstance(route, APIRoute) or type(route) not in {APIRoute, StrictRoute}:
        return False  # a class of its own may do anything
    if any(getattr(context, name) != value for name, value in _ROUTE_DEFAULTS.items()):
        return False
    if context.param_convertors or not _has_plain_parameters(context.dependant):
        return False
    returned = signature(route.endpoint).return_annotation
    if isclass(returned) and issubclass(returned, Response):
        return True
    return context.response_field is not None and isinstance(
        context.response_class, DefaultPlaceholder
    )


def _has_plain_parameters(endpoint: Dependant) -> bool:
    """Whether there is at most one model in JSON, and constants in place of a query."""
    bodies = endpoint.body_params
    if len(bodies) > 1 or any(isinstance(body.field_info, Form) for body in bodies):
        return False
    return all(
        isinstance(field.default, _CONSTANT) and not field.field_info.validate_default
        for field in endpoint.query_params
    )


def _may_match(context: RouteContext, path: str, method: str) -> bool:
    if not isinstance(context.original_route, APIRoute):
        return True
    return method in (context.methods or ()) and context.path_regex.match(path) is not None


def _steps(dependant: Dependant, handled: frozenset[str]) -> list[Step] | None:
    """The functions to call for a dependency or an endpoint; None if it needs more than that."""
    unknown = (one.name for one in fields(dependant) if one.name not in handled)
    if any(
        (getattr(dependant, name) or None) != (getattr(_DEFAULTS, name) or None) for name in unknown
    ):
        return None
    if dependant.call is None or not iscoroutinefunction(dependant.call):
        return None
    steps: list[Step] = []
    for one in dependant.dependencies:
        if one.call is get_runtime:
            continue
        needed = _steps(one, _OF_DEPENDENCIES)
        if needed is None:
            return None
        steps += [step for step in needed if step not in steps]
    sources = {one.name: one.call for one in dependant.dependencies if one.name and one.call}
    return [*steps, Step(dependant.call, sources, dependant.request_param_name)]
