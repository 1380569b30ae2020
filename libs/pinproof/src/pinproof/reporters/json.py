"""JSON for other programs; the README documents its keys."""

import json

from pinproof.violations import Report


def render(report: Report) -> str:
    """One object, with the same keys whether there are violations or not."""
    keys = ("path", "line", "code", "distribution", "message")
    document = {
        "format": 1,
        "files": report.files,
        "read": dict(report.read),
        "unread": dict(report.unread),
        "skipped": list(report.skipped),
        "unusable": report.unusable,
        "violations": [
            {key: getattr(violation, key) for key in keys} for violation in report.violations
        ],
    }
    return json.dumps(document, indent=2) + "\n"
