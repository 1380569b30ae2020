"""A package index, read over HTTP."""

import hashlib
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import BaseModel, ValidationError

from pinproof.audit.http_client import (
    Answer,
    Client,
    NotFoundError,
    WebError,
    check_address,
    without_credentials,
)
from pinproof.audit.index.pages import ACCEPT, read_page
from pinproof.audit.index.project import File, Project
from pinproof.repository.requirements import shorten


class NoMetadataError(WebError):
    """The index does not have the requirements of a release."""


class _Info(BaseModel):
    requires_dist: list[str] | None


class _Release(BaseModel):
    info: _Info


class Index:
    """One index. Each answer is requested once, and kept as long as the object.

    Attributes:
        url: The address, with credentials.
        address: The address for messages, without them.
    """

    def __init__(self, url: str, client: Client) -> None:
        self.url = check_address(url).rstrip("/") + "/"
        self.address = shorten(without_credentials(self.url))
        self._client = client
        self._projects: dict[str, Project] = {}
        self._requirements: dict[tuple[str, Version], tuple[Requirement, ...]] = {}

    def project(self, name: str) -> Project:
        """The files of a project.

        Raises:
            WebError: The index gives no usable answer, or does not have the project.
        """
        name = canonicalize_name(name)
        if name not in self._projects:
            answer = self._client.get(urljoin(self.url, f"{quote(name)}/"), accept=ACCEPT)
            self._projects[name] = read_page(name, answer)
        return self._projects[name]

    def requirements(self, name: str, version: Version) -> tuple[Requirement, ...]:
        """The requirements of a release, under every extra and marker.

        They are read from the metadata of a wheel (PEP 658), of one for every platform if there is
        one. If the index has no metadata, as for projects without wheels, they are read from the
        JSON API of PyPI, if the index has it.

        Raises:
            WebError: Neither gives a usable answer.
        """
        key = canonicalize_name(name), version
        if key not in self._requirements:
            self._requirements[key] = self._ask(*key)
        return self._requirements[key]

    def _ask(self, name: str, version: Version) -> tuple[Requirement, ...]:
        for file in self.project(name).of(version):
            if file.metadata:
                url = self._authorized(f"{file.url}.metadata")
                answer = self._client.get(url, accept="*/*")
                return _from_metadata(file, answer)
        url = urljoin(self.url, f"../pypi/{quote(name)}/{quote(str(version))}/json")
        try:
            answer = self._client.get(url)
        except NotFoundError as error:
            raise NoMetadataError(
                f"The requirements of {name} {version} are unknown: {self.address} has no "
                "metadata of it.",
                remedy="Name an environment that has it with --python, or another index.",
            ) from error
        try:
            release = _Release.model_validate_json(answer.body)
        except ValidationError as error:
            raise _unreadable(answer.url) from error
        return _parse(release.info.requires_dist or [], answer.url)

    def _authorized(self, url: str) -> str:
        """Add the credentials of the index to an address of the same server."""
        index, parts = urlsplit(self.url), urlsplit(url)
        user, at, host = index.netloc.rpartition("@")
        if (parts.scheme, parts.netloc) != (index.scheme, host):
            return url
        return urlunsplit(parts._replace(netloc=f"{user}{at}{host}"))


def _from_metadata(file: File, answer: Answer) -> tuple[Requirement, ...]:
    digest = hashlib.sha256(answer.body).hexdigest()
    if file.metadata_sha256 not in {None, digest}:
        raise WebError(
            f"{answer.url} does not have the digest that the index states (SHA-256 {digest}).",
            remedy="Do not install from this index before you know why.",
        )
    metadata, _ = parse_email(answer.body)
    if "metadata_version" not in metadata:
        raise _unreadable(answer.url)
    return _parse(metadata.get("requires_dist", []), answer.url)


def _parse(texts: list[str], url: str) -> tuple[Requirement, ...]:
    try:
        return tuple(map(Requirement, texts))
    except InvalidRequirement as error:
        raise _unreadable(url) from error


def _unreadable(url: str) -> WebError:
    return WebError(
        f"{url} is not the metadata of a release.", remedy="Name another index, or another release."
    )
