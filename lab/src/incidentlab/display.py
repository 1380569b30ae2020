"""The findings as a table on the terminal."""

from rich.console import Console
from rich.table import Table

from incidentlab.findings import Comparison, Guards, IncidentFinding, IncidentVerdict, Results

_COLOURS = {
    IncidentVerdict.SAME: "green",
    IncidentVerdict.ROUNDING: "green",
    IncidentVerdict.LOAD: "yellow",
    IncidentVerdict.PREDICT: "yellow",
    IncidentVerdict.WRONG: "bold red",
}


def show(results: Results, console: Console) -> None:
    """Print the findings."""
    data = results.data
    table = Table(
        title=f"{data.scored:,} customers scored: {data.source}",
        title_justify="left",
        show_lines=True,
    )
    for heading in ("written → read", "a service without a guard", "open_sealed"):
        table.add_column(heading)
    reported = results.reported
    table.add_row(
        str(reported["title"]),
        f"{reported['before']} → {reported['after']}\nreported, not measured here",
        "",
    )
    for finding in results.findings:
        verdict = f"[{_COLOURS[finding.verdict]}]{finding.verdict}[/]{_heard(finding)}"
        table.add_row(
            f"{finding.title}\n{finding.subject} {finding.written_by} → {finding.read_by}",
            "\n".join([verdict, *_answers(finding.comparison)]),
            _refusal(finding.guards),
        )
    console.print(table)


def _heard(finding: IncidentFinding) -> str:
    return ", with a generic warning" if finding.warnings else ""


def _answers(comparison: Comparison | None) -> list[str]:
    if comparison is None or comparison.moved == 0:
        return []
    return [
        f"at most {comparison.before:.4f} → {comparison.after:.4f}",
        f"{comparison.moved:,} moved, {comparison.noticeable:,} by 0.005 or more",
        f"decisions flipped: {comparison.flipped:,}",
    ]


def _refusal(guards: Guards) -> str:
    golden = f"golden set alone: {guards.golden_code or 'as sealed'}"
    if guards.code is None:
        return f"opens\n{golden}"
    when = "after" if guards.unpickled else "before"
    return f"refuses: {guards.code}\n{when} unpickling\n{golden}"
