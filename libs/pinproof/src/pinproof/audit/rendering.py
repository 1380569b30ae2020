"""The output formats of an audit: those of the check, with the advisory as the code."""

import json

from pinproof.audit.audit import Audit
from pinproof.audit.audit_finding import AuditFinding
from pinproof.reporters import REPORTERS
from pinproof.reporters.sarif import sarif_log
from pinproof.repository.policy import POLICY_FILE
from pinproof.violations import Report


def render(result: Audit, output: str) -> str:
    """The findings in one format: text, json, github or sarif."""
    violations = tuple(finding.violation for finding in result.findings)
    match output:
        case "json":
            return json.dumps(_document(result), indent=2) + "\n"
        case "sarif":
            described = {
                finding.advisory.names[0]: (finding.advisory.summary, finding.advisory.url)
                for finding in result.findings
            }
            return sarif_log(
                [_descriptor(name, *texts) for name, texts in described.items()], violations
            )
        case _:
            return REPORTERS[output](Report(violations))


def _descriptor(name: str, summary: str, url: str | None) -> dict[str, object]:
    descriptor: dict[str, object] = {"id": name, "shortDescription": {"text": summary or name}}
    return descriptor | ({"helpUri": url} if url else {})


def _document(result: Audit) -> dict[str, object]:
    return {
        "format": 1,
        "findings": [_finding(finding) for finding in result.findings],
        "ignored": [
            {**_finding(finding), "reason": entry.reason, "expires": entry.expires.isoformat()}
            for finding, entry in result.ignored
        ],
        "unused_ignores": [entry.id for entry in result.unused],
        "distributions": result.distributions,
        "unpinned": list(result.unpinned),
        "direct": list(result.direct),
        "unknown": dict(result.unknown),
        "skipped": [entry.distribution for entry in result.skips.active],
    }


def _finding(finding: AuditFinding) -> dict[str, object]:
    impact = finding.impact
    return {
        "path": finding.path,
        "line": finding.line,
        "distribution": finding.name,
        "advisory": finding.advisory.names[0],
        "aliases": list(finding.advisory.names[1:]),
        "severity": finding.advisory.severity,
        "url": finding.advisory.url,
        "verdict": impact.kind,
        "affected": {point: str(version) for point, version in impact.points.items()},
        "target": str(impact.target) if impact.target else None,
        "blockers": [
            {
                "distribution": blocker.name,
                "pin": blocker.pin,
                "release": str(blocker.release),
                "asks": str(blocker.asks),
                "first": str(blocker.first) if blocker.first else None,
            }
            for blocker in finding.blockers
        ],
        "pythons": list(finding.pythons),
        "message": finding.violation.message,
    }


def notes(result: Audit) -> list[str]:
    """Notes for standard error, one a line; the last one is the result."""
    lines = [
        f"{finding.path}:{finding.line}: {finding.advisory.names[0]} is ignored until "
        f"{entry.expires}: {entry.reason}"
        for finding, entry in result.ignored
    ]
    lines += [
        f"{POLICY_FILE}: the entry for {entry.id} ignores nothing: remove it"
        for entry in result.unused
    ]
    lines += result.skips.notes
    lines += [f"{name} is unknown: {reason}" for name, reason in result.unknown.items()]
    if result.direct:
        lines.append(f"Not audited, because no index has them: {', '.join(result.direct)}")
    if result.unpinned:
        lines.append(
            f"Without a pin, so only the newest release was audited: {', '.join(result.unpinned)}"
        )
    count = len(result.findings)
    advisories = {0: "No advisory", 1: "1 advisory"}.get(count, f"{count} advisories")
    ignored = f", {len(result.ignored)} ignored" if result.ignored else ""
    looked_at = result.distributions
    noun = "distribution" if looked_at == 1 else "distributions"
    unknown = f", {len(result.unknown)} unknown" if result.unknown else ""
    lines.append(f"{advisories}{ignored}; {looked_at} {noun} audited{unknown}.")
    return lines
