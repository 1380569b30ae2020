"""Advisories: all records about one vulnerability of one distribution."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import Version

from pinproof.audit.advisories.affected_ranges import VersionRange


@dataclass(frozen=True)
class AdvisoryRecord:
    """The record of a vulnerability in one database.

    Attributes:
        id: The identifier in the database.
        aliases: Identifiers of the same vulnerability elsewhere.
        summary: A summary of one line.
        severity: The severity, if the database has one.
        url: The address of a description, if there is one.
        affected_ranges: The affected versions: those in any of these ranges.
        reported: Queried versions that are affected according to the source.
        unaffected: Queried versions that are not, if the source answers for them.
        fixes: The fixed versions.
    """

    id: str
    aliases: frozenset[str]
    summary: str
    severity: str | None
    url: str | None
    affected_ranges: tuple[VersionRange, ...]
    reported: frozenset[Version]
    unaffected: frozenset[Version] = frozenset()
    fixes: tuple[Version, ...] = ()

    def affects(self, version: Version) -> bool:
        """Whether a version is affected."""
        if version in self.reported:
            return True
        return version not in self.unaffected and any(
            version in each for each in self.affected_ranges
        )


@dataclass(frozen=True)
class Advisory:
    """All records of one vulnerability, which name each other as aliases.

    A version is affected if any record says so.
    """

    records: tuple[AdvisoryRecord, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All identifiers, the CVE first."""
        every = {name for record in self.records for name in (record.id, *record.aliases)}
        return tuple(sorted(every, key=lambda name: (not name.startswith("CVE-"), name)))

    @property
    def summary(self) -> str:
        """A summary of one line."""
        return next((record.summary for record in self.records if record.summary), "")

    @property
    def severity(self) -> str | None:
        """The severity, if a database has one."""
        return next((record.severity for record in self.records if record.severity), None)

    @property
    def url(self) -> str | None:
        """The address of a description, if there is one."""
        return next((record.url for record in self.records if record.url), None)

    @property
    def fixes(self) -> tuple[Version, ...]:
        """The fixed versions."""
        return tuple(sorted({fix for record in self.records for fix in record.fixes}))

    def affects(self, version: Version) -> bool:
        """Whether a version is affected. A build (`+cpu`) counts as its release."""
        release = Version(version.public)
        return any(record.affects(release) for record in self.records)


def group(records: Iterable[AdvisoryRecord]) -> tuple[Advisory, ...]:
    """Group records that share an identifier, directly or indirectly."""
    groups: list[tuple[set[str], list[AdvisoryRecord]]] = []
    for record in sorted(records, key=lambda record: record.id):
        names = {record.id, *record.aliases}
        together = [record]
        apart = []
        for known, members in groups:
            if known & names:
                names |= known
                together += members
            else:
                apart.append((known, members))
        groups = [*apart, (names, together)]
    advisories = (
        Advisory(tuple(sorted(members, key=lambda record: record.id))) for _, members in groups
    )
    return tuple(sorted(advisories, key=lambda advisory: advisory.names))
