"""The documentation page at ``/docs`` (Swagger UI) and the front page at ``/``.

Swagger UI's files come from an installed package, so the page works behind a firewall and loads
nothing from other hosts. Its content security policy allows no inline script.
"""

from collections.abc import Callable
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse, JSONResponse, Response

FRONT_PAGE_PATH: Final = "/"

_ASSETS: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_SETUP: Final = "setup.js"
DOCS_PATHS: Final = (
    "/docs",
    "/openapi.json",
    *(f"/docs/{name}" for name in (*_ASSETS, _SETUP)),
)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SETUP_SCRIPT: Final = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
_DOCS_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/setup.js"></script>
</body>
</html>
"""
_FRONT_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto }}</style>
</head>
<body>
<h1>{title} {version}</h1>
<p>{description}</p>
<ul>
<li><a href="docs">The endpoints</a>, also as an <a href="openapi.json">OpenAPI document</a></li>
<li><a href="ready">Whether it is ready</a></li>
</ul>
</body>
</html>
"""

Document = Callable[[], dict[str, Any]]
"""Returns an application's OpenAPI document."""


def docs_router(document: Document) -> APIRouter:
    """Swagger UI, its files, and the OpenAPI document that it shows.

    Args:
        document: Returns the OpenAPI document.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        page = _DOCS_PAGE.format(title=escape(document()["info"]["title"]))
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    @router.get("/openapi.json")
    async def openapi() -> JSONResponse:
        return JSONResponse(document())

    @router.get(f"/docs/{_SETUP}")
    async def setup() -> Response:
        return Response(_SETUP_SCRIPT, media_type="text/javascript")

    for name, media_type in _ASSETS.items():
        router.add_api_route(f"/docs/{name}", _asset_endpoint(name, media_type))
    return router


def front_page_router(document: Document) -> APIRouter:
    """The front page of a service that has none of its own: its description, and links.

    It needs no API key, and says nothing that the documentation does not say.

    Args:
        document: Returns the OpenAPI document.
    """
    router = APIRouter(include_in_schema=False)

    @router.get(FRONT_PAGE_PATH)
    async def front_page() -> HTMLResponse:
        info = document()["info"]
        names = ("title", "version", "description")
        return HTMLResponse(_FRONT_PAGE.format_map({name: escape(info[name]) for name in names}))

    return router


def _asset_endpoint(name: str, media_type: str) -> Callable[[], Any]:
    async def asset() -> Response:
        return Response(
            _read_asset(name),
            media_type=media_type,
            headers={"Cache-Control": "public, max-age=3600"},
        )

    return asset


@cache
def _read_asset(name: str) -> bytes:
    return (files("fastapi_swagger") / "resources" / name).read_bytes()
