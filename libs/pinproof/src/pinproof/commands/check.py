"""`pinproof check`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.check import check as check_repository
from pinproof.reporters import REPORTERS


def command(
    root: Annotated[
        Path, typer.Argument(help="Root of the repository, with pins.toml if it has one.")
    ] = Path(),
    output: Annotated[
        Literal["text", "json", "github", "sarif"],
        typer.Option(
            "--format",
            help="Output format. text: file:line: CODE message. json: for programs. "
            "github: annotations of a pull request. sarif: for code scanning.",
        ),
    ] = "text",
) -> None:
    """Check every requirement of a repository against the pin policy.

    Reads every requirements file, constraints file, pyproject.toml and script below ROOT, offline.
    Prints the violations to standard output, and a summary to standard error.

    `pinproof explain PIN001` explains a code. pins.toml can allow single violations, each with a
    reason and an expiry date.

    For example:

    * `pinproof check`

    * `pinproof check ../other --format sarif > pins.sarif`

    Exit status: 0 no violation; 1 violations; 2 a file cannot be read (PIN000), pins.toml is
    invalid, or an argument is wrong.
    """
    report = check_repository(root)
    typer.echo(REPORTERS[output](report), nl=False)
    typer.echo(report.summary, err=True)
    if report.violations:
        raise typer.Exit(2 if report.unusable else 1)
