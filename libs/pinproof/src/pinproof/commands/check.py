"""`pinproof check`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.check import check as check_repository
from pinproof.reporters import REPORTERS

__all__ = ["command"]


def command(
    root: Annotated[
        Path, typer.Argument(help="The root of the repository, where pins.toml lies if it has one.")
    ] = Path(),
    output: Annotated[
        Literal["text", "json", "github", "sarif"],
        typer.Option(
            "--format",
            help="text: file:line: CODE message. json: for programs. github: annotations of a "
            "pull request. sarif: for code scanning.",
        ),
    ] = "text",
) -> None:
    """Check every requirement of a repository against the pin policy.

    Reads each requirements file, constraints file and pyproject.toml below ROOT, offline, and
    prints every violation to standard output and a summary to standard error.

    `pinproof explain PIN001` tells what a code means and what to do. pins.toml allows single
    violations, each with a reason and a last day.

    For example:

    * `pinproof check`

    * `pinproof check ../other --format sarif > pins.sarif`

    Exit status: 0 clean, 1 violations, 2 something could not be read (PIN000, a mistake in
    pins.toml, or a wrong argument).
    """
    report = check_repository(root)
    typer.echo(REPORTERS[output].render(report), nl=False)
    typer.echo(report.summary, err=True)
    if report.violations:
        raise typer.Exit(2 if report.unusable else 1)
