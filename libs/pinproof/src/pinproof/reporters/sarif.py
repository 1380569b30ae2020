"""SARIF 2.1.0, the format of code scanning services.

Source: `Static Analysis Results Interchange Format 2.1.0
<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>`_.
"""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from pinproof.repository.reader import UNUSABLE
from pinproof.rules import RULES, documentation, summary
from pinproof.violations import Report, Violation

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(report: Report) -> str:
    """A log of one run."""
    return sarif_log(_descriptors(), report.violations, _notifications(report))


def sarif_log(
    descriptors: Sequence[object],
    violations: Iterable[Violation],
    notifications: Sequence[object] = (),
) -> str:
    """A log of one run, with the descriptions of the codes of its violations."""
    run: dict[str, object] = {
        "tool": {"driver": {"name": "pinproof", "rules": descriptors}},
        # Readers of the log know the root, which differs between machines.
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "results": [_result(violation) for violation in violations],
    }
    if notifications:
        invocation = {"executionSuccessful": True, "toolExecutionNotifications": notifications}
        run["invocations"] = [invocation]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _notifications(report: Report) -> list[object]:
    """What was read and what was not, as notes of the tool."""
    return [{"level": "note", "message": {"text": line}} for line in report.coverage]


def _descriptors() -> list[dict[str, object]]:
    unusable: dict[str, object] = {
        "id": UNUSABLE,
        "shortDescription": {"text": "A file that should be checked cannot be read."},
    }
    rules: list[dict[str, object]] = [
        {
            "id": rule.CODE,
            "shortDescription": {"text": summary(rule)},
            "help": {"text": documentation(rule)},
        }
        for rule in RULES
    ]
    return [unusable, *rules]


def _result(violation: Violation) -> dict[str, object]:
    return {
        "ruleId": violation.code,
        "level": "error",
        "message": {"text": violation.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(violation.path), "uriBaseId": "SRCROOT"},
                    "region": {"startLine": violation.line},
                }
            }
        ],
    }
