"""`file:line: CODE message`, the format of compilers, which editors can follow."""

from pinproof.violations import Report


def render(report: Report) -> str:
    """One line for each violation."""
    return "".join(
        f"{violation.path}:{violation.line}: {violation.code} {violation.message}\n"
        for violation in report.violations
    )
