"""Which versions an advisory speaks of.

Source: `OSV format, evaluation <https://ossf.github.io/osv-schema/#evaluation>`_.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from packaging.version import Version

__all__ = ["AllVersions", "BelowFix", "Event", "EventKind", "EventRange", "Listed", "VersionRange"]


class VersionRange(Protocol):
    """A set of versions."""

    def __contains__(self, version: Version, /) -> bool:
        """Whether a version is in it."""


class EventKind(IntEnum):
    """What happens at a version, in the order in which events at one version count.

    The format leaves that open. What is fixed and introduced at once counts as affected.
    """

    FIXED = 0
    INTRODUCED = 1
    LAST_AFFECTED = 2


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Its version is None for OSV's "0", which is before everything."""

    kind: EventKind
    version: Version | None


@dataclass(frozen=True)
class EventRange:
    """The versions after an introduction and before the next fix, or up to the last affected."""

    events: tuple[Event, ...]

    def __contains__(self, version: Version) -> bool:
        """Walk through the events up to the version: the last one decides."""
        affected = False
        for event in sorted(self.events, key=_place):
            if event.kind is EventKind.INTRODUCED:
                if event.version is None or version >= event.version:
                    affected = True
            elif event.version is None:
                continue
            elif version > event.version or (
                version == event.version and event.kind is EventKind.FIXED
            ):
                affected = False
        return affected


def _place(event: Event) -> tuple[bool, Version, EventKind]:
    return event.version is not None, event.version or Version("0"), event.kind


@dataclass(frozen=True)
class Listed:
    """Versions that are named one by one."""

    versions: frozenset[Version]

    def __contains__(self, version: Version) -> bool:
        """Whether it is one of them."""
        return version in self.versions


@dataclass(frozen=True)
class AllVersions:
    """Every version: what is taken where nothing says which."""

    def __contains__(self, version: Version) -> bool:
        """Whatever the version."""
        return True


@dataclass(frozen=True)
class BelowFix:
    """Every version but those that certainly have a fix, where only the fixes are known.

    A version has one if it is the latest fix or above it, or is of the same minor series as a fix
    and not below it. What was released between two series' fixes counts as affected.
    """

    fixes: tuple[Version, ...]

    def __contains__(self, version: Version) -> bool:
        """Whether no fix is certainly in it."""
        return not self.fixes or not (
            version >= max(self.fixes)
            or any(_series(version) == _series(fix) and version >= fix for fix in self.fixes)
        )


def _series(version: Version) -> Sequence[int]:
    return (version.epoch, *version.release[:2])
