"""An advisory: everything that is published about one vulnerability of one distribution."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import Version

from pinproof.audit.advisories.affected_ranges import VersionRange

__all__ = ["Advisory", "Record", "group"]


@dataclass(frozen=True)
class Record:
    """What one database says.

    Attributes:
        id: Its identifier there.
        aliases: The identifiers of the same vulnerability elsewhere.
        summary: One line.
        severity: A word, where the database has one.
        url: Where to read more, if that is known.
        extents: The versions that are affected: those in any of these.
        claimed: Versions that the source itself called affected when it was asked about them.
        cleared: Versions that it did not, where its silence means that they are not affected.
        fixes: The versions that it names as fixed.
    """

    id: str
    aliases: frozenset[str]
    summary: str
    severity: str | None
    url: str | None
    extents: tuple[VersionRange, ...]
    claimed: frozenset[Version]
    cleared: frozenset[Version] = frozenset()
    fixes: tuple[Version, ...] = ()

    def affects(self, version: Version) -> bool:
        """Whether a version is affected."""
        if version in self.claimed:
            return True
        return version not in self.cleared and any(version in extent for extent in self.extents)


@dataclass(frozen=True)
class Advisory:
    """The records of one vulnerability, which are one because they name each other.

    Where they disagree, a version is affected if any of them says so.
    """

    records: tuple[Record, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every identifier, the CVE first."""
        every = {name for record in self.records for name in (record.id, *record.aliases)}
        return tuple(sorted(every, key=lambda name: (not name.startswith("CVE-"), name)))

    @property
    def summary(self) -> str:
        """One line."""
        return next((record.summary for record in self.records if record.summary), "")

    @property
    def severity(self) -> str | None:
        """A word, where a database has one."""
        return next((record.severity for record in self.records if record.severity), None)

    @property
    def url(self) -> str | None:
        """Where to read more, if that is known."""
        return next((record.url for record in self.records if record.url), None)

    @property
    def fixes(self) -> tuple[Version, ...]:
        """The versions that are named as fixed."""
        return tuple(sorted({fix for record in self.records for fix in record.fixes}))

    def affects(self, version: Version) -> bool:
        """Whether any record says that a version is affected. A build (`+cpu`) is its release."""
        release = Version(version.public)
        return any(record.affects(release) for record in self.records)


def group(records: Iterable[Record]) -> tuple[Advisory, ...]:
    """Put records together that share an identifier, over any number of steps."""
    groups: list[tuple[set[str], list[Record]]] = []
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
