"""Annotations of a pull request: GitHub's `::error` workflow command."""

from pinproof.reporters.base import Reporter
from pinproof.violations import Report

__all__ = ["GithubReporter"]


class GithubReporter(Reporter):
    """One workflow command for each violation."""

    def render(self, report: Report) -> str:
        """Write one annotation for each violation; nothing for a clean report."""
        return "".join(
            f"::error file={_property(violation.path)},line={violation.line},"
            f"title={_property(violation.code)}::{_data(violation.message)}\n"
            for violation in report.violations
        )


def _data(text: str) -> str:
    """Escape what follows the second `::`."""
    # The percent sign first: it begins every other escape.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a value between the commas of the command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
