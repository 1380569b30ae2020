"""Advisories from OSV, or a mirror that answers in its way.

Sources: `OSV API <https://google.github.io/osv.dev/api/>`_, `OSV format
<https://ossf.github.io/osv-schema/>`_.
"""

from collections import defaultdict
from typing import NamedTuple
from urllib.parse import quote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pinproof.audit.advisories.affected_ranges import (
    AllVersions,
    Event,
    EventKind,
    EventRange,
    Listed,
    VersionRange,
)
from pinproof.audit.advisories.record import Record
from pinproof.audit.advisories.source import AdvisoryError, Affecting, Wanted, conclude, with_canary
from pinproof.audit.concurrent_map import Progress, concurrent_map
from pinproof.audit.http_client import Client, check_address
from pinproof.repository.requirements import shorten

__all__ = ["OsvSource"]

_AT_A_TIME = 500
_MOST_PAGES = 100


class _Named(BaseModel):
    id: str = Field(pattern=r"^[\w.:-]{1,100}$")


class _Result(BaseModel):
    vulns: list[_Named] = []
    next_page_token: str | None = None


class _Results(BaseModel):
    results: list[_Result]


class _Event(BaseModel):
    model_config = ConfigDict(extra="allow")

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None


class _Range(BaseModel):
    type: str
    events: list[_Event] = Field(min_length=1)


class _Package(BaseModel):
    ecosystem: str
    name: str


class _Affected(BaseModel):
    package: _Package | None = None
    ranges: list[_Range] = []
    versions: list[str] = []


class _Reference(BaseModel):
    type: str
    url: str


class _Specific(BaseModel):
    severity: str | None = None


class _Document(BaseModel):
    id: str
    aliases: list[str] = []
    withdrawn: str | None = None
    summary: str = ""
    details: str = ""
    affected: list[_Affected] = []
    references: list[_Reference] = []
    database_specific: _Specific = _Specific()


class _Question(NamedTuple):
    name: str
    version: Version
    page: str | None = None

    @property
    def document(self) -> dict[str, object]:
        package = {"ecosystem": "PyPI", "name": self.name}
        question: dict[str, object] = {"package": package, "version": str(self.version)}
        return question | ({"page_token": self.page} if self.page else {})


class OsvSource:
    """A server with OSV's interface."""

    default = "https://api.osv.dev"

    def __init__(self, url: str, client: Client) -> None:
        self.url = check_address(url).rstrip("/")
        self._client = client

    def affecting(self, wanted: Wanted, progress: Progress) -> Affecting:
        """Ask which advisories affect each version, in batches, and then for each advisory."""
        asked = with_canary(wanted)
        questions = [_Question(name, version) for name in asked for version in sorted(asked[name])]
        index = self._claims(questions, progress)
        identifiers = sorted({identifier for _, identifier in index})
        documents = concurrent_map(
            self._document, identifiers, what="advisories", progress=progress
        )
        records: defaultdict[str, list[Record]] = defaultdict(list)
        for (name, identifier), versions in index.items():
            document = documents[identifier]
            if document.withdrawn is None:
                records[name].append(_record(document, name, frozenset(versions)))
        return conclude(records, wanted, self.url)

    def _claims(
        self, questions: list[_Question], progress: Progress
    ) -> dict[tuple[str, str], set[Version]]:
        """The versions of a distribution that an advisory is said to affect, page by page."""
        index: defaultdict[tuple[str, str], set[Version]] = defaultdict(set)
        for page in range(_MOST_PAGES):
            further: list[_Question] = []
            for start in range(0, len(questions), _AT_A_TIME):
                batch = questions[start : start + _AT_A_TIME]
                progress(f"versions, page {page + 1}", start + len(batch), len(questions))
                for question, result in zip(batch, self._batch(batch), strict=True):
                    for vulnerability in result.vulns:
                        index[question.name, vulnerability.id].add(question.version)
                    if result.next_page_token:
                        further.append(question._replace(page=result.next_page_token))
            if not further:
                return dict(index)
            questions = further
        raise AdvisoryError(
            f"{shorten(self.url)} has still more pages after {_MOST_PAGES}.",
            remedy="Name another source.",
        )

    def _batch(self, batch: list[_Question]) -> list[_Result]:
        url = f"{self.url}/v1/querybatch"
        answer = self._client.post(url, {"queries": [question.document for question in batch]})
        try:
            results = _Results.model_validate_json(answer.body).results
        except ValidationError as error:
            raise _malformed(answer.url, error) from error
        if len(results) != len(batch):
            raise AdvisoryError(
                f"{answer.url} answers {len(results)} of {len(batch)} questions.",
                remedy="Try again, or name another source.",
            )
        return results

    def _document(self, identifier: str) -> _Document:
        url = f"{self.url}/v1/vulns/{quote(identifier)}"
        answer = self._client.get(url)
        try:
            document = _Document.model_validate_json(answer.body)
        except ValidationError as error:
            raise _malformed(answer.url, error) from error
        if document.id != identifier:
            raise AdvisoryError(
                f"{answer.url} is the advisory {document.id}.", remedy="Name another source."
            )
        return document


def _record(document: _Document, name: str, claimed: frozenset[Version]) -> Record:
    extents: list[VersionRange] = []
    fixes: list[Version] = []
    for affected in document.affected:
        package = affected.package
        if package is None or package.ecosystem.partition(":")[0] != "PyPI":
            continue
        if canonicalize_name(package.name) != name:
            continue
        ranges = [_range(found, document.id) for found in affected.ranges if found.type != "GIT"]
        listed = frozenset(filter(None, map(_version_or_none, affected.versions)))
        extents += [*ranges, *([Listed(listed)] if listed else [])]
        fixes += [
            event.version
            for found in ranges
            for event in found.events
            if event.kind is EventKind.FIXED and event.version is not None
        ]
    advisories = [
        reference.url for reference in document.references if reference.type == "ADVISORY"
    ]
    return Record(
        id=document.id,
        aliases=frozenset(document.aliases),
        summary=document.summary or document.details.strip().partition("\n")[0],
        severity=document.database_specific.severity,
        url=next(iter(advisories), None),
        # The source says that it affects this distribution, and not which versions: so all.
        extents=tuple(extents) or (AllVersions(),),
        claimed=claimed,
        fixes=tuple(fixes),
    )


def _range(found: _Range, identifier: str) -> EventRange:
    events = []
    for event in found.events:
        for kind, text in (
            (EventKind.INTRODUCED, event.introduced),
            (EventKind.FIXED, event.fixed),
            (EventKind.LAST_AFFECTED, event.last_affected),
        ):
            if text is None:
                continue
            version = _version_or_none(text)
            if version is None:
                raise AdvisoryError(
                    f"{identifier} names {text!r}, which is no version.",
                    remedy="Tell its database, and ignore it in pins.toml until it is mended.",
                )
            is_start = kind is EventKind.INTRODUCED and text == "0"
            events.append(Event(kind, None if is_start else version))
    return EventRange(tuple(events))


def _version_or_none(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _malformed(url: str, error: ValidationError) -> AdvisoryError:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return AdvisoryError(
        f"{url} gives no answer of OSV's form ({f'{place}: ' if place else ''}{first['msg']}).",
        remedy="See whether this is the address of an OSV server.",
    )
