"""What every source of advisories does, and the question that shows whether it has any."""

from collections.abc import Collection, Mapping
from typing import Protocol

from packaging.version import Version

from pinproof.audit.advisories.record import Advisory, Record, group
from pinproof.audit.concurrent_map import Progress
from pinproof.errors import PinproofError
from pinproof.repository.requirements import shorten

__all__ = ["CANARY", "AdvisoryError", "Affecting", "Source", "Wanted", "conclude", "with_canary"]

CANARY = "jinja2", Version("2.4.1")
"""A release with advisories that have been public for years: who knows none has no data."""

Wanted = Mapping[str, Collection[Version]]
"""The versions to ask about, by the distribution's name in PEP 503 form."""

Affecting = Mapping[str, tuple[Advisory, ...]]
"""The advisories that affect at least one version asked about, by name. Empty ones included."""


class AdvisoryError(PinproofError):
    """A source of advisories answers, but not with what was asked for."""


class Source(Protocol):
    """Where advisories are had."""

    def affecting(self, wanted: Wanted, progress: Progress) -> Affecting:
        """The advisories that affect at least one of these versions.

        Raises:
            WebError: The source does not answer every question.
            AdvisoryError: Its answers are not whole, or it turns out to have no data.
        """


def with_canary(wanted: Wanted) -> dict[str, set[Version]]:
    """Add the question whose answer is known."""
    name, version = CANARY
    asked = {other: {Version(one.public) for one in versions} for other, versions in wanted.items()}
    asked.setdefault(name, set()).add(version)
    return asked


def conclude(records: Mapping[str, list[Record]], wanted: Wanted, url: str) -> Affecting:
    """Group the records of each distribution, and see whether the known answer is among them.

    Raises:
        AdvisoryError: It is not.
    """
    name, version = CANARY
    if not any(record.affects(version) for record in records.get(name, ())):
        raise AdvisoryError(
            f"{shorten(url)} knows no advisory for {name} {version}, which has several: "
            "it has no data, or not all.",
            remedy="Name a source that has, with --source and --advisories-url.",
        )
    found = {other: group(records.get(other, ())) for other in wanted}
    return {
        other: tuple(advisory for advisory in found[other] if any(map(advisory.affects, versions)))
        for other, versions in wanted.items()
    }
