"""The interface of advisory sources, and the query that shows whether a source has data."""

from collections.abc import Collection, Mapping
from typing import Protocol

from packaging.version import Version

from pinproof.audit.advisories.record import Advisory, AdvisoryRecord, group
from pinproof.audit.concurrent_map import Progress
from pinproof.audit.http_client import without_credentials
from pinproof.errors import PinproofError
from pinproof.repository.requirements import shorten

CANARY = "jinja2", Version("2.4.1")
"""A release with old advisories: a source that has none of them has no data."""

VersionsByName = Mapping[str, Collection[Version]]
"""The versions to query, by distribution in PEP 503 form."""

AdvisoriesByName = Mapping[str, tuple[Advisory, ...]]
"""The advisories that affect a queried version, by distribution. They may be empty."""


class AdvisoryError(PinproofError):
    """A source of advisories gives incomplete or invalid answers."""


class Source(Protocol):
    """A source of advisories."""

    def advisories_for(self, wanted: VersionsByName, progress: Progress) -> AdvisoriesByName:
        """The advisories that affect at least one of these versions.

        Raises:
            WebError: The source does not answer every query.
            AdvisoryError: Its answers are incomplete, or it has no data.
        """


def with_canary(wanted: VersionsByName) -> dict[str, set[Version]]:
    """Add the query whose answer is known."""
    name, version = CANARY
    queried = {
        other: {Version(one.public) for one in versions} for other, versions in wanted.items()
    }
    queried.setdefault(name, set()).add(version)
    return queried


def group_and_verify(
    records: Mapping[str, list[AdvisoryRecord]], wanted: VersionsByName, url: str
) -> AdvisoriesByName:
    """Group the records of each distribution, and check the known answer.

    Raises:
        AdvisoryError: The known answer is missing.
    """
    name, version = CANARY
    if not any(record.affects(version) for record in records.get(name, ())):
        raise AdvisoryError(
            f"{shorten(without_credentials(url))} has no advisory for {name} {version}, which has "
            "several: its data is missing or incomplete.",
            remedy="Name another source with --source and --advisories-url.",
        )
    found = {other: group(records.get(other, ())) for other in wanted}
    return {
        other: tuple(advisory for advisory in found[other] if any(map(advisory.affects, versions)))
        for other, versions in wanted.items()
    }
