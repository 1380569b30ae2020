"""`file:line: CODE message`, as compilers write it, so that editors can follow it."""

from pinproof.reporters.base import Reporter
from pinproof.violations import Report

__all__ = ["TextReporter"]


class TextReporter(Reporter):
    """One line for each violation."""

    def render(self, report: Report) -> str:
        """Write one line for each violation; nothing for a clean report."""
        return "".join(
            f"{violation.path}:{violation.line}: {violation.code} {violation.message}\n"
            for violation in report.violations
        )
