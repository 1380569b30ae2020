"""Applies the skip list of `pins.toml` and its expiry dates."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from pinproof.repository.policy import POLICY_FILE, Skip


class AppliedSkips(NamedTuple):
    """The entries of the skip list.

    Attributes:
        active: Those that skip a distribution.
        expired: Those that do not skip one any more.
        unused: Those whose distribution does not occur.
    """

    active: tuple[Skip, ...] = ()
    expired: tuple[Skip, ...] = ()
    unused: tuple[Skip, ...] = ()

    @property
    def notes(self) -> list[str]:
        """One line for each entry."""
        return [
            *(
                f"{one.distribution} is skipped until {one.expires}: {one.reason}"
                for one in self.active
            ),
            *(
                f"{one.distribution} is looked up again: {POLICY_FILE} skipped it until "
                f"{one.expires} ({one.reason})"
                for one in self.expired
            ),
            *(
                f"{POLICY_FILE}: the entry for {one.distribution} skips nothing: remove it"
                for one in self.unused
            ),
        ]


def active_names(entries: Iterable[Skip], today: date) -> frozenset[str]:
    """The distributions that are skipped. An entry is valid until the end of its last day."""
    return frozenset(entry.distribution for entry in entries if entry.expires >= today)


def apply_skips(
    entries: tuple[Skip, ...], seen: Collection[str], today: date, *, whole: bool
) -> AppliedSkips:
    """Sort the entries by what they do.

    Args:
        entries: The skip list.
        seen: The distributions that occur, those that are skipped included.
        today: The date that the list is compared with.
        whole: Whether they occur in the whole repository. An entry that one file does not need may
            be needed by others.
    """
    skipped = active_names(entries, today)
    used = [entry for entry in entries if entry.distribution in seen]
    return AppliedSkips(
        active=tuple(entry for entry in used if entry.expires >= today),
        expired=tuple(entry for entry in used if entry.distribution not in skipped),
        unused=tuple(entry for entry in entries if whole and entry not in used),
    )
