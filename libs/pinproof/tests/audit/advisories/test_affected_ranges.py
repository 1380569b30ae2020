import pytest
from packaging.version import Version
from pinproof.audit.advisories.affected_ranges import (
    ALL_VERSIONS,
    BelowFix,
    Event,
    EventKind,
    EventRange,
)

RANGES = [
    # events, affected, not affected
    ("i0 f1.5", "0.1 1.4.9 1.5rc1", "1.5 1.5.1 2 1.5.post1"),
    ("i1.2 f1.5", "1.2 1.2.1", "1.1.9 1.2rc1 1.5"),
    ("i1.2 l1.4", "1.2 1.4", "1.1 1.4.post1 1.4.1 2"),
    ("i0", "0.0.1 99 1!0", ""),
    ("i1.2", "1.2 99", "1.1"),
    ("f1.5 i0", "1.4", "1.5"),
    ("i4.2 f4.2.18 i5.0 f5.0.11 i5.1 f5.1.5", "4.2 4.2.17 5.0 5.0.10 5.1.4", "4.1 4.2.18 5.0.11 6"),
    ("i0 f2.0rc1", "1.9 2.0b9", "2.0rc1 2.0"),
    ("i0 f1.5 i1.5 f1.6", "1.4 1.5 1.6b1", "1.6"),
    ("i1.5 l1.5", "1.5", "1.4 1.5.1"),
    ("i1!2 f1!3", "1!2.5", "2.5 1!3"),
    ("f1.0", "", "0.9 1.0"),
    ("l1.0", "", "0.9 1.0"),
    ("i0 l1.0 f1.2", "0.1 1.0", "1.1 1.2"),
]
KINDS = {"i": EventKind.INTRODUCED, "f": EventKind.FIXED, "l": EventKind.LAST_AFFECTED}


def event_range(text: str) -> EventRange:
    return EventRange(
        tuple(
            Event(KINDS[word[0]], None if word == "i0" else Version(word[1:]))
            for word in text.split()
        )
    )


@pytest.mark.parametrize(("events", "affected", "newest_unaffected"), RANGES)
def test_ranges(events: str, affected: str, newest_unaffected: str) -> None:
    found = event_range(events)

    assert [text for text in affected.split() if Version(text) not in found] == []
    assert [text for text in newest_unaffected.split() if Version(text) in found] == []


@pytest.mark.parametrize(
    ("fixes", "affected", "newest_unaffected"),
    [
        ("1.2.5 1.3.2 2.0.1", "1.2.4 1.3.0 1.3.1 1.4 2.0.0 0.1", "1.2.5 1.2.9 1.3.2 2.0.1 2.1 3"),
        ("1.5", "1.4 1.5rc1", "1.5 1.6 2"),
        ("", "0.1 99", ""),
    ],
)
def test_where_only_fixes_are_known_the_rest_counts_as_affected(
    fixes: str, affected: str, newest_unaffected: str
) -> None:
    extent = BelowFix(tuple(map(Version, fixes.split())))

    assert [text for text in affected.split() if Version(text) not in extent] == []
    assert [text for text in newest_unaffected.split() if Version(text) in extent] == []


def test_what_is_not_known_is_everything() -> None:
    assert Version("0.0.1") in ALL_VERSIONS
