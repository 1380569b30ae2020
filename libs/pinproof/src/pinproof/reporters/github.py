"""Annotations of a pull request: GitHub's `::error` workflow command."""

from pinproof.violations import Report


def render(report: Report) -> str:
    """One annotation for each violation, and a notice of what was not read."""
    unread = (line for line in report.coverage if line.startswith("Not read: "))
    notices = "".join(f"::notice title=pinproof::{_data(line)}\n" for line in unread)
    return notices + "".join(
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
