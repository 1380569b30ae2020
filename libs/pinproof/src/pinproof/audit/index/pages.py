"""Reads the two forms of an index's page about one project: JSON (PEP 691) and HTML (PEP 503)."""

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import canonicalize_name
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from pinproof.audit.http_client import Answer, WebError
from pinproof.audit.index.project import File, Project, version_of

__all__ = ["ACCEPT", "read_page"]

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")

ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.01"
"""What to ask an index for: JSON if it has it."""


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
    """Read what an index says about a project.

    Files that are neither wheels nor source distributions, or whose version is none of PEP 440,
    are left out, as installers do.

    Raises:
        WebError: It is no such page, or one of another project, or offers no file at all.
    """
    if answer.kind in {_JSON, "application/json"}:
        files = list(_from_json(name, answer))
    elif answer.kind in _HTML:
        files = list(_from_html(answer))
    else:
        raise _unusable(answer, f"it is {answer.kind}")
    usable = tuple(file for file in files if file is not None)
    if not usable:
        raise WebError(
            f"{answer.url} offers no file of {name}.", remedy="Name another index, or drop the pin."
        )
    return Project(name, usable)


def _from_json(name: str, answer: Answer) -> Iterator[File | None]:
    try:
        page = _Page.model_validate_json(answer.body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _unusable(answer, f"{place}: {first['msg']}" if place else first["msg"]) from error
    if canonicalize_name(page.name) != name:
        raise _unusable(answer, f"it is the page of {page.name}")
    for file in page.files:
        digests = file.metadata if isinstance(file.metadata, dict) else {}
        yield _file(
            file.filename,
            urljoin(answer.url, file.url),
            yanked=file.yanked is not False,
            requires_python=file.requires_python,
            metadata=bool(file.metadata) or file.metadata == {},
            metadata_sha256=digests.get("sha256"),
        )


def _from_html(answer: Answer) -> Iterator[File | None]:
    parser = _Anchors()
    parser.feed(answer.body.decode("utf-8", errors="replace"))
    for attributes in parser.found:
        url = urldefrag(urljoin(answer.url, attributes["href"] or "")).url
        offered = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
        kind, _, digest = (offered or "").partition("=")
        yield _file(
            unquote(urlsplit(url).path.rpartition("/")[2]),
            url,
            # The attribute alone yanks; its value is only the reason.
            yanked="data-yanked" in attributes,
            requires_python=attributes.get("data-requires-python"),
            metadata=bool(offered) and offered != "false",
            metadata_sha256=digest if kind == "sha256" else None,
        )


class _Anchors(HTMLParser):
    """Keeps the attributes of each link."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and dict(attrs).get("href"):
            self.found.append(dict(attrs))


def _file(
    name: str,
    url: str,
    *,
    yanked: bool,
    requires_python: str | None,
    metadata: bool,
    metadata_sha256: str | None,
) -> File | None:
    version = version_of(name)
    if version is None:
        return None
    return File(name, url, version, yanked, requires_python or "", metadata, metadata_sha256)


def _unusable(answer: Answer, reason: str) -> WebError:
    return WebError(
        f"{answer.url} is no page of a package index ({reason}).",
        remedy="Name an index, such as https://pypi.org/simple/.",
    )
