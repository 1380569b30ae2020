"""Parses the page of a project in an index, in JSON (PEP 691) or HTML (PEP 503)."""

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from modelseal.records import first_error
from packaging.utils import canonicalize_name
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from pinproof.audit.http_client import Answer, WebError
from pinproof.audit.index.project import File, Project, version_of

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")

ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.01"
"""The accepted media types: JSON is preferred."""


class _Meta(BaseModel):
    api_version: str = Field(alias="api-version", pattern=r"^1\.\d+$")


class _File(BaseModel):
    filename: str
    url: str
    yanked: bool | str = False
    requires_python: str | None = Field(None, alias="requires-python")
    metadata: bool | dict[str, str] | None = Field(
        None, validation_alias=AliasChoices("core-metadata", "dist-info-metadata")
    )


class _Page(BaseModel):
    meta: _Meta
    name: str
    files: list[_File]


def read_page(name: str, answer: Answer) -> Project:
    """Parse the page of a project.

    Files that are neither wheels nor source distributions, or that have an invalid version, are
    left out, as by installers.

    Raises:
        WebError: It is not a page of the project, or has no usable file.
    """
    if answer.kind in {_JSON, "application/json"}:
        files = tuple(_from_json(name, answer))
    elif answer.kind in _HTML:
        files = tuple(_from_html(answer))
    else:
        raise _unusable(answer, f"it is {answer.kind}")
    if not files:
        raise WebError(
            f"{answer.url} has no file of {name}.", remedy="Name another index, or remove the pin."
        )
    return Project(name, files)


def _from_json(name: str, answer: Answer) -> Iterator[File]:
    try:
        page = _Page.model_validate_json(answer.body)
    except ValidationError as error:
        raise _unusable(answer, first_error(error)) from error
    if canonicalize_name(page.name) != name:
        raise _unusable(answer, f"it is the page of {page.name}")
    for file in page.files:
        digests = file.metadata if isinstance(file.metadata, dict) else {}
        if version := version_of(file.filename):
            yield File(
                file.filename,
                urljoin(answer.url, file.url),
                version,
                yanked=file.yanked is not False,
                requires_python=file.requires_python or "",
                metadata=bool(file.metadata) or file.metadata == {},
                metadata_sha256=digests.get("sha256"),
            )


def _from_html(answer: Answer) -> Iterator[File]:
    parser = _Anchors()
    parser.feed(answer.body.decode("utf-8", errors="replace"))
    for attributes in parser.found:
        url = urldefrag(urljoin(answer.url, attributes["href"] or "")).url
        offered = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
        kind, _, digest = (offered or "").partition("=")
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        if version := version_of(name):
            yield File(
                name,
                url,
                version,
                # The value of the attribute is only the reason.
                yanked="data-yanked" in attributes,
                requires_python=attributes.get("data-requires-python") or "",
                metadata=bool(offered) and offered != "false",
                metadata_sha256=digest if kind == "sha256" else None,
            )


class _Anchors(HTMLParser):
    """Collects the attributes of each link."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and dict(attrs).get("href"):
            self.found.append(dict(attrs))


def _unusable(answer: Answer, reason: str) -> WebError:
    return WebError(
        f"{answer.url} is not a page of a package index ({reason}).",
        remedy="Name an index, such as https://pypi.org/simple/.",
    )
