"""Advisories from the JSON API of PyPI, or a mirror of it.

Source: `PyPI, JSON API <https://docs.pypi.org/api/json/>`_.
"""

from collections import defaultdict
from typing import NamedTuple
from urllib.parse import quote

from modelseal.records import first_error
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, Field, ValidationError

from pinproof.audit.advisories.affected_ranges import BelowFix
from pinproof.audit.advisories.record import AdvisoryRecord
from pinproof.audit.advisories.source import (
    AdvisoriesByName,
    AdvisoryError,
    VersionsByName,
    group_and_verify,
    with_canary,
)
from pinproof.audit.concurrent_map import Progress, concurrent_map
from pinproof.audit.http_client import Client, check_address


class _Vulnerability(BaseModel):
    id: str = Field(min_length=1)
    aliases: list[str] = []
    summary: str | None = None
    details: str | None = None
    fixed_in: list[str] = []
    link: str | None = None
    withdrawn: str | None = None


class _Release(BaseModel):
    # Required: an index without this key has no advisories.
    vulnerabilities: list[_Vulnerability]


class _Query(NamedTuple):
    name: str
    version: Version


class PypiSource:
    """A server with the JSON API of PyPI.

    It lists the advisories of a release and their fixes, but no ranges. So a release that was not
    queried counts as affected unless it certainly has a fix.
    """

    default = "https://pypi.org"

    def __init__(self, url: str, client: Client) -> None:
        self.url = check_address(url).rstrip("/")
        self._client = client

    def advisories_for(self, wanted: VersionsByName, progress: Progress) -> AdvisoriesByName:
        """Query each release."""
        queried = with_canary(wanted)
        queries = [_Query(name, version) for name in queried for version in sorted(queried[name])]
        answers = concurrent_map(
            self._query, queries, what="releases' advisories", progress=progress
        )
        records = {name: _records(name, versions, answers) for name, versions in queried.items()}
        return group_and_verify(records, wanted, self.url)

    def _query(self, query: _Query) -> tuple[_Vulnerability, ...]:
        url = f"{self.url}/pypi/{quote(query.name)}/{quote(str(query.version))}/json"
        answer = self._client.get(url)
        try:
            release = _Release.model_validate_json(answer.body)
        except ValidationError as error:
            raise AdvisoryError(
                f"{answer.url} is not a release in PyPI's format ({first_error(error)}).",
                remedy="Check that this is the address of a server with PyPI's JSON API.",
            ) from error
        return tuple(found for found in release.vulnerabilities if found.withdrawn is None)


def _records(
    name: str, versions: set[Version], answers: dict[_Query, tuple[_Vulnerability, ...]]
) -> list[AdvisoryRecord]:
    reported: defaultdict[str, set[Version]] = defaultdict(set)
    described: dict[str, _Vulnerability] = {}
    for version in versions:
        for found in answers[_Query(name, version)]:
            reported[found.id].add(version)
            described[found.id] = found
    return [
        _record(described[identifier], affected, versions)
        for identifier, affected in reported.items()
    ]


def _record(found: _Vulnerability, reported: set[Version], queried: set[Version]) -> AdvisoryRecord:
    try:
        fixes = tuple(sorted(map(Version, found.fixed_in)))
    except InvalidVersion as error:
        raise AdvisoryError(
            f"{found.id} names a fix that is not a version ({error}).",
            remedy="Name another source, such as OSV.",
        ) from error
    return AdvisoryRecord(
        id=found.id,
        aliases=frozenset(found.aliases),
        summary=found.summary or (found.details or "").strip().partition("\n")[0],
        severity=None,
        url=found.link,
        affected_ranges=(BelowFix(fixes),),
        reported=frozenset(reported),
        unaffected=frozenset(queried - reported),
        fixes=fixes,
    )
