"""JSON for other programs; the README documents its keys."""

import json

from pinproof.reporters.base import Reporter
from pinproof.violations import Report

__all__ = ["JsonReporter"]


class JsonReporter(Reporter):
    """One object, the same shape whether clean or not."""

    def render(self, report: Report) -> str:
        """Write the object."""
        document = {
            "format": 1,
            "files": report.files,
            "unusable": report.unusable,
            "violations": [
                {
                    "path": violation.path,
                    "line": violation.line,
                    "code": violation.code,
                    "distribution": violation.distribution,
                    "message": violation.message,
                }
                for violation in report.violations
            ],
        }
        return json.dumps(document, indent=2) + "\n"
