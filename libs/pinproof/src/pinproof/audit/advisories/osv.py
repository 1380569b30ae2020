"""Advisories from OSV, or a server with the same API.

Sources: `OSV API <https://google.github.io/osv.dev/api/>`_, `OSV format
<https://ossf.github.io/osv-schema/>`_.
"""

from collections import defaultdict
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from modelseal.records import first_error
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pinproof.audit.advisories.affected_ranges import (
    ALL_VERSIONS,
    Event,
    EventKind,
    EventRange,
    VersionRange,
)
from pinproof.audit.advisories.record import AdvisoryRecord
from pinproof.audit.advisories.source import (
    AdvisoriesByName,
    AdvisoryError,
    VersionsByName,
    group_and_verify,
    with_canary,
)
from pinproof.audit.concurrent_map import Progress, concurrent_map
from pinproof.audit.http_client import Answer, Client, check_address, without_credentials
from pinproof.repository.requirements import shorten

_Model = TypeVar("_Model", bound=BaseModel)

_BATCH_SIZE = 500
_MAX_PAGES = 100


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


class _Query(NamedTuple):
    name: str
    version: Version
    page: str | None = None

    @property
    def document(self) -> dict[str, object]:
        package = {"ecosystem": "PyPI", "name": self.name}
        query: dict[str, object] = {"package": package, "version": str(self.version)}
        return query | ({"page_token": self.page} if self.page else {})


class OsvSource:
    """A server with the API of OSV."""

    default = "https://api.osv.dev"

    def __init__(self, url: str, client: Client) -> None:
        self.url = check_address(url).rstrip("/")
        self._client = client

    def advisories_for(self, wanted: VersionsByName, progress: Progress) -> AdvisoriesByName:
        """Query the advisories of each version in batches, and then each advisory."""
        queried = with_canary(wanted)
        queries = [_Query(name, version) for name in queried for version in sorted(queried[name])]
        index = self._affected_versions(queries, progress)
        identifiers = sorted({identifier for _, identifier in index})
        documents = concurrent_map(
            self._document, identifiers, what="advisories", progress=progress
        )
        records: defaultdict[str, list[AdvisoryRecord]] = defaultdict(list)
        for (name, identifier), versions in index.items():
            document = documents[identifier]
            if document.withdrawn is None:
                records[name].append(_record(document, name, frozenset(versions)))
        return group_and_verify(records, wanted, self.url)

    def _affected_versions(
        self, queries: list[_Query], progress: Progress
    ) -> dict[tuple[str, str], set[Version]]:
        """The versions that each advisory affects according to the server, page by page."""
        index: defaultdict[tuple[str, str], set[Version]] = defaultdict(set)
        for page in range(_MAX_PAGES):
            further: list[_Query] = []
            for start in range(0, len(queries), _BATCH_SIZE):
                batch = queries[start : start + _BATCH_SIZE]
                progress(f"versions, page {page + 1}", start + len(batch), len(queries))
                for query, result in zip(batch, self._batch(batch), strict=True):
                    for vulnerability in result.vulns:
                        index[query.name, vulnerability.id].add(query.version)
                    if result.next_page_token:
                        further.append(query._replace(page=result.next_page_token))
            if not further:
                return dict(index)
            queries = further
        raise AdvisoryError(
            f"{shorten(without_credentials(self.url))} has more than {_MAX_PAGES} pages.",
            remedy="Name another source.",
        )

    def _batch(self, batch: list[_Query]) -> list[_Result]:
        url = f"{self.url}/v1/querybatch"
        answer = self._client.post(url, {"queries": [query.document for query in batch]})
        results = _parse(_Results, answer).results
        if len(results) != len(batch):
            raise AdvisoryError(
                f"{answer.url} answers {len(results)} of {len(batch)} queries.",
                remedy="Try again, or name another source.",
            )
        return results

    def _document(self, identifier: str) -> _Document:
        url = f"{self.url}/v1/vulns/{quote(identifier)}"
        answer = self._client.get(url)
        document = _parse(_Document, answer)
        if document.id != identifier:
            raise AdvisoryError(
                f"{answer.url} is the advisory {document.id}.", remedy="Name another source."
            )
        return document


def _record(document: _Document, name: str, reported: frozenset[Version]) -> AdvisoryRecord:
    affected_ranges: list[VersionRange] = []
    fixes: list[Version] = []
    for affected in document.affected:
        package = affected.package
        if package is None or package.ecosystem.partition(":")[0] != "PyPI":
            continue
        if canonicalize_name(package.name) != name:
            continue
        ranges = [_range(found, document.id) for found in affected.ranges if found.type != "GIT"]
        listed = frozenset(filter(None, map(_version_or_none, affected.versions)))
        affected_ranges += [*ranges, *([listed] if listed else [])]
        fixes += [
            event.version
            for found in ranges
            for event in found.events
            if event.kind is EventKind.FIXED and event.version is not None
        ]
    advisories = [
        reference.url for reference in document.references if reference.type == "ADVISORY"
    ]
    return AdvisoryRecord(
        id=document.id,
        aliases=frozenset(document.aliases),
        summary=document.summary or document.details.strip().partition("\n")[0],
        severity=document.database_specific.severity,
        url=next(iter(advisories), None),
        # Without versions, the advisory affects all of them.
        affected_ranges=tuple(affected_ranges) or (ALL_VERSIONS,),
        reported=reported,
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
                    f"{identifier} names {text!r}, which is not a version.",
                    remedy="Report it to its database, and ignore it in pins.toml until then.",
                )
            is_start = kind is EventKind.INTRODUCED and text == "0"
            events.append(Event(kind, None if is_start else version))
    return EventRange(tuple(events))


def _version_or_none(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _parse(model: type[_Model], answer: Answer) -> _Model:
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        raise AdvisoryError(
            f"{answer.url} does not answer in OSV's format ({first_error(error)}).",
            remedy="Check that this is the address of an OSV server.",
        ) from error
