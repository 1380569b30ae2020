"""The verdicts, one table: what is released, admitted and affected, and what follows."""

from typing import NamedTuple

import pytest
from packaging.version import Version
from pinproof.audit.impact import AuditInput, ImpactKind, assess_impact


class Row(NamedTuple):
    admitted: str
    affected: str
    expected: str
    releases: str = "1.0 1.1 1.2 2.0 2.1 3.0"
    blocked: str = ""
    pinned: bool = True
    installed: str = ""


BY = frozenset({"parent"})

ROWS = [
    Row("1.0 1.1 1.2", "", "None"),
    Row("1.0 1.1 1.2", "2.0", "None"),
    # The newest admitted release is not affected.
    Row("1.0 1.1 1.2", "1.0", "floor-bump floor=1.0 -> 1.1"),
    Row("1.0 1.1 1.2", "1.0 1.1", "floor-bump floor=1.0 -> 1.2"),
    Row("1.0 1.1 1.2", "1.1", "floor-bump between=1.1 -> 1.2"),
    Row("1.0 1.1 1.2", "1.0", "floor-bump floor=1.0 installed=1.0 -> 1.1", installed="1.0"),
    Row("1.0 1.1 1.2", "1.0", "floor-bump floor=1.0 -> 1.1", installed="1.1"),
    Row("1.1 1.2", "1.0", "reachable installed=1.0 -> 1.2", installed="1.0"),
    Row("1.0 1.1 1.2", "2.0", "reachable installed=2.0 -> 1.2", installed="2.0"),
    # What a parent keeps out cannot be installed: neither floor nor ceiling.
    Row("1.0 1.1 1.2", "1.0", "None", blocked="1.0"),
    Row("1.0 1.1 1.2", "1.0 1.1", "floor-bump floor=1.1 -> 1.2", blocked="1.0"),
    # The newest admitted release is affected.
    Row("1.0 1.1 1.2", "1.0 1.1 1.2", "pin-bump floor=1.0 ceiling=1.2 -> 2.0"),
    Row("1.0 1.1 1.2", "1.0 1.1 1.2 2.0", "pin-bump floor=1.0 ceiling=1.2 -> 2.1"),
    Row("1.0 1.1 1.2", "1.2", "pin-bump ceiling=1.2 -> 2.0 newest_unaffected 1.1"),
    Row("1.2", "1.2", "pin-bump floor=1.2 ceiling=1.2 installed=1.2 -> 2.0", installed="1.2"),
    # Nobody has a fix.
    Row("1.0 1.1", "1.0 1.1 1.2 2.0 2.1 3.0", "no-fix floor=1.0 ceiling=1.1 -> None"),
    Row("3.0", "3.0", "no-fix floor=3.0 ceiling=3.0 -> None"),
    Row("2.1 3.0", "3.0", "no-fix ceiling=3.0 -> None newest_unaffected 2.1"),
    # A parent keeps the fix out.
    Row("1.0 1.1", "1.0 1.1", "parent-bump floor=1.0 ceiling=1.1 -> 1.2 by parent",
        blocked="1.2 2.0 2.1 3.0"),
    Row("1.0 1.1 1.2", "1.0 1.1", "parent-bump floor=1.0 ceiling=1.1 -> 1.2 by parent admitted",
        blocked="1.2 2.0 2.1 3.0"),
    # The nearest fix is kept out, a later one is not.
    Row("1.0 1.1", "1.0 1.1", "pin-bump floor=1.0 ceiling=1.1 -> 2.0", blocked="1.2"),
    # A pin that its parents contradict altogether is looked at alone.
    Row("1.0 1.1", "1.0", "floor-bump floor=1.0 -> 1.1", blocked="1.0 1.1"),
    # Without a pin there is no floor.
    Row("1.2", "1.0", "None", pinned=False),
    Row("1.0 1.1 1.2", "1.0 1.1", "None", pinned=False),
    Row("1.2", "1.0", "reachable installed=1.0 -> 1.2", pinned=False, installed="1.0"),
    Row("1.2", "1.2", "parent-bump ceiling=1.2 -> 2.0 by parent", blocked="2.0 2.1 3.0",
        pinned=False),
    Row("1.2", "1.2", "reachable ceiling=1.2 -> 2.0", pinned=False),
]  # fmt: skip


def versions(text: str) -> tuple[Version, ...]:
    return tuple(map(Version, text.split()))


def reported(row: Row) -> str:
    affected = versions(row.affected)
    blocked = versions(row.blocked)
    verdict = assess_impact(
        AuditInput(
            releases=versions(row.releases),
            admitted=versions(row.admitted),
            pinned=row.pinned,
            blockers=lambda version: BY if version in blocked else frozenset(),
            affected=lambda version: version in affected,
            installed=Version(row.installed) if row.installed else None,
        )
    )
    if verdict is None:
        return "None"
    points = " ".join(f"{point}={version}" for point, version in verdict.points.items())
    text = f"{verdict.kind} {points} -> {verdict.target}"
    text += f" by {' '.join(verdict.blockers)}" if verdict.blockers else ""
    if verdict.kind is ImpactKind.PARENT and verdict.admitted:
        text += " admitted"
    if verdict.kind in {ImpactKind.PIN, ImpactKind.NONE} and verdict.newest_unaffected:
        text += f" newest_unaffected {verdict.newest_unaffected}"
    return text


@pytest.mark.parametrize("row", ROWS)
def test_verdicts(row: Row) -> None:
    assert reported(row) == row.expected
