"""Applies the ignore list and its expiry dates."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from pinproof.audit.audit_finding import AuditFinding
from pinproof.repository.policy import IgnoredAdvisory


class AppliedIgnores(NamedTuple):
    """Findings after the ignore list.

    Attributes:
        kept: The findings without an entry, or with expired entries only.
        ignored: The ignored findings, each with its entry of the latest expiry date.
        unused: The entries that cover no finding.
    """

    kept: tuple[AuditFinding, ...]
    ignored: tuple[tuple[AuditFinding, IgnoredAdvisory], ...]
    unused: tuple[IgnoredAdvisory, ...]


def apply_ignores(
    findings: Iterable[AuditFinding], entries: tuple[IgnoredAdvisory, ...], today: date
) -> AppliedIgnores:
    """Separate ignored findings. An entry is valid until the end of its last day."""
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
