"""The versions that an advisory affects.

Source: `OSV format, evaluation <https://ossf.github.io/osv-schema/#evaluation>`_.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from packaging.version import Version


class VersionRange(Protocol):
    """A set of versions."""

    def __contains__(self, version: Version, /) -> bool:
        """Whether a version is in it."""


class EventKind(IntEnum):
    """The kinds of events, in the order in which they apply at the same version.

    The format does not define that order. A version that is both fixed and introduced is affected.
    """

    FIXED = 0
    INTRODUCED = 1
    LAST_AFFECTED = 2


@dataclass(frozen=True, slots=True)
class Event:
    """An event. The version None is OSV's "0", which precedes every version."""

    kind: EventKind
    version: Version | None


@dataclass(frozen=True)
class EventRange:
    """The versions from an introduction to the next fix, or to the last affected version."""

    events: tuple[Event, ...]

    def __contains__(self, version: Version) -> bool:
        """Whether the last event up to the version leaves it affected."""
        affected = False
        for event in sorted(self.events, key=_order):
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


ALL_VERSIONS = EventRange((Event(EventKind.INTRODUCED, None),))
"""Every version, for an advisory that names none."""


def _order(event: Event) -> tuple[bool, Version, EventKind]:
    return event.version is not None, event.version or Version("0"), event.kind


@dataclass(frozen=True)
class BelowFix:
    """Every version that may lack a fix, if only the fixed versions are known.

    A version has the fix if it is at least the latest fixed version, or at least a fixed version of
    its own minor series. Versions between two fixed series count as affected.
    """

    fixes: tuple[Version, ...]

    def __contains__(self, version: Version) -> bool:
        """Whether the version may lack the fix."""
        return not self.fixes or not (
            version >= max(self.fixes)
            or any(_series(version) == _series(fix) and version >= fix for fix in self.fixes)
        )


def _series(version: Version) -> tuple[int, ...]:
    return (version.epoch, *version.release[:2])
