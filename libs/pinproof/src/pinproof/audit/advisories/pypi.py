"""Advisories from PyPI's JSON API, or a mirror of it.

Source: `PyPI, JSON API <https://docs.pypi.org/api/json/>`_.
"""

from collections import defaultdict
from typing import NamedTuple
from urllib.parse import quote

from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, Field, ValidationError

from pinproof.audit.advisories.affected_ranges import BelowFix
from pinproof.audit.advisories.record import Record
from pinproof.audit.advisories.source import AdvisoryError, Affecting, Wanted, conclude, with_canary
from pinproof.audit.concurrent_map import Progress, concurrent_map
from pinproof.audit.http_client import Client, check_address

__all__ = ["PypiSource"]


class _Vulnerability(BaseModel):
    id: str = Field(min_length=1)
    aliases: list[str] = []
    summary: str | None = None
    details: str | None = None
    fixed_in: list[str] = []
    link: str | None = None
    withdrawn: str | None = None


class _Release(BaseModel):
    # Without a default: an index that does not know the key has no advisories.
    vulnerabilities: list[_Vulnerability]


class _Question(NamedTuple):
    name: str
    version: Version


class PypiSource:
    """A server with the JSON API of PyPI.

    It tells which releases it was asked about are affected, and where fixes are, but no ranges. So
    a release that it was not asked about counts as affected unless a fix is certainly in it.
    """

    default = "https://pypi.org"

    def __init__(self, url: str, client: Client) -> None:
        self.url = check_address(url).rstrip("/")
        self._client = client

    def affecting(self, wanted: Wanted, progress: Progress) -> Affecting:
        """Ask about each release."""
        asked = with_canary(wanted)
        questions = [_Question(name, version) for name in asked for version in sorted(asked[name])]
        answers = concurrent_map(
            self._ask, questions, what="releases' advisories", progress=progress
        )
        records = {name: _records(name, versions, answers) for name, versions in asked.items()}
        return conclude(records, wanted, self.url)

    def _ask(self, question: _Question) -> tuple[_Vulnerability, ...]:
        url = f"{self.url}/pypi/{quote(question.name)}/{quote(str(question.version))}/json"
        answer = self._client.get(url)
        try:
            release = _Release.model_validate_json(answer.body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise AdvisoryError(
                f"{answer.url} is no release of PyPI's form ({place}: {first['msg']}).",
                remedy="See whether this is the address of a server with PyPI's JSON API.",
            ) from error
        return tuple(found for found in release.vulnerabilities if found.withdrawn is None)


def _records(
    name: str, versions: set[Version], answers: dict[_Question, tuple[_Vulnerability, ...]]
) -> list[Record]:
    claimed: defaultdict[str, set[Version]] = defaultdict(set)
    described: dict[str, _Vulnerability] = {}
    for version in versions:
        for found in answers[_Question(name, version)]:
            claimed[found.id].add(version)
            described[found.id] = found
    return [
        _record(described[identifier], affected, versions)
        for identifier, affected in claimed.items()
    ]


def _record(found: _Vulnerability, claimed: set[Version], asked: set[Version]) -> Record:
    try:
        fixes = tuple(sorted(map(Version, found.fixed_in)))
    except InvalidVersion as error:
        raise AdvisoryError(
            f"{found.id} names a fix that is no version ({error}).",
            remedy="Name another source, such as OSV.",
        ) from error
    return Record(
        id=found.id,
        aliases=frozenset(found.aliases),
        summary=found.summary or (found.details or "").strip().partition("\n")[0],
        severity=None,
        url=found.link,
        extents=(BelowFix(fixes),),
        claimed=frozenset(claimed),
        cleared=frozenset(asked - claimed),
        fixes=fixes,
    )
