"""Applies the ignore list, and holds it to its dates."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from pinproof.audit.finding import AuditFinding
from pinproof.repository.policy import IgnoredAdvisory

__all__ = ["AppliedIgnores", "apply_ignores"]


@dataclass(frozen=True, slots=True)
class AppliedIgnores:
    """Findings, by what the ignore list says of them.

    Attributes:
        kept: What no entry covers, or only expired ones.
        ignored: What is ignored, each with the entry that covers it longest.
        unused: The entries that cover nothing.
    """

    kept: tuple[AuditFinding, ...]
    ignored: tuple[tuple[AuditFinding, IgnoredAdvisory], ...]
    unused: tuple[IgnoredAdvisory, ...]


def apply_ignores(
    findings: Iterable[AuditFinding], entries: Iterable[IgnoredAdvisory], today: date
) -> AppliedIgnores:
    """Part what is ignored from what is not. An entry holds until the end of its last day."""
    entries = tuple(entries)
    kept: list[AuditFinding] = []
    ignored: list[tuple[AuditFinding, IgnoredAdvisory]] = []
    used: set[IgnoredAdvisory] = set()
    for finding in sorted(findings, key=_order):
        covering = [one for one in entries if one.covers(finding.advisory.names, finding.name)]
        used.update(covering)
        longest = max(covering, key=lambda entry: entry.expires, default=None)
        if longest is not None and longest.expires >= today:
            ignored.append((finding, longest))
        else:
            kept.append(replace(finding, expired=tuple(covering)))
    unused = tuple(entry for entry in entries if entry not in used)
    return AppliedIgnores(tuple(kept), tuple(ignored), unused)


def _order(finding: AuditFinding) -> tuple[str, int, str, tuple[str, ...], str]:
    return finding.path, finding.line, finding.name, finding.advisory.names, finding.message
