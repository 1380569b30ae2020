"""The front page and the documentation page: plain HTML made from the OpenAPI document.

Swagger's page loads its scripts from a content delivery network, which a service behind a
firewall cannot reach and a careful one does not trust. These pages need no script at all;
``/openapi.json`` serves the tools that want more.
"""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from servicekit.problems import MEDIA_TYPE

__all__ = ["render_docs", "render_front_page"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { border-top: 1px solid #ccc; padding-top: 1rem; font-size: 1.1rem }
h2 code { font-weight: 600 }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; font-size: .85rem }
table { border-collapse: collapse } td, th { padding: .15rem .8rem .15rem 0; text-align: left }
""".strip()


def render_front_page(schema: dict[str, Any]) -> str:
    """The page at ``/``: what the service is, and where its documentation is.

    It says nothing that the documentation does not say, which needs no API key either.

    Args:
        schema: The OpenAPI document.
    """
    return _page(
        schema,
        """<ul>
<li><a href="docs">The endpoints</a>, also as an <a href="openapi.json">OpenAPI document</a></li>
<li><a href="ready">Whether it is ready</a></li>
</ul>""",
    )


def render_docs(schema: dict[str, Any]) -> str:
    """The page for an API.

    Args:
        schema: Its OpenAPI document.
    """
    body = "\n".join(
        part
        for path, item in schema.get("paths", {}).items()
        for method, operation in item.items()
        for part in _operation(method.upper(), path, operation)
    )
    return _page(
        schema,
        f"""<p>The same as an <a href="openapi.json">OpenAPI document</a>.</p>
{body}
<h2>Schemas</h2>
{"".join(_schemas(schema.get("components", {}).get("schemas", {})))}""",
    )


def _page(schema: dict[str, Any], body: str) -> str:
    """A page under the service's title and description."""
    info = schema["info"]
    title = escape(info["title"])
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>
<body>
<h1>{title} {escape(info["version"])}</h1>
<p>{escape(info.get("description", ""))}</p>
{body}
</body>
</html>
"""


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method} {escape(path)}</code></h2>"
    yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "<table><tr><th>Parameter</th><th>In</th><th>Type</th><th>Required</th></tr>"
        for parameter in parameters:
            cells = (
                parameter["name"],
                parameter["in"],
                _type(parameter.get("schema", {})),
                "yes" if parameter.get("required") else "no",
            )
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        yield "</table>"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: {escape(media)}, {_linked(content.get('schema', {}))}</p>"
    yield "<table><tr><th>Status</th><th>Meaning</th><th>Answer</th></tr>"
    problems = []
    for status, response in operation.get("responses", {}).items():
        contents = response.get("content", {})
        if MEDIA_TYPE in contents:
            problems.append(status)
            continue
        answers = ", ".join(_linked(one.get("schema", {})) for one in contents.values())
        meaning = escape(response.get("description", ""))
        yield f"<tr><td>{escape(status)}</td><td>{meaning}</td><td>{answers}</td></tr>"
    if problems:
        answer = _linked(operation["responses"][problems[0]]["content"][MEDIA_TYPE]["schema"])
        statuses = escape(", ".join(problems))
        yield f"<tr><td>{statuses}</td><td>Why it was not answered</td><td>{answer}</td></tr>"
    yield "</table>"


def _schemas(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        text = escape(json.dumps(schema, indent=2))
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>\n<pre>{text}</pre>\n'


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    return str(schema.get("type", "any"))


def _linked(schema: dict[str, Any]) -> str:
    name = escape(_type(schema))
    return f'<a href="#{name}">{name}</a>' if "$ref" in schema else name
