"""`pinproof check`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.baseline import (
    BaselineError,
    compare_with_baseline,
    read_baseline,
    write_baseline,
)
from pinproof.check import check as check_repository
from pinproof.reporters import REPORTERS
from pinproof.repository.policy import POLICY_FILE, find_root


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
    baseline: Annotated[
        Path | None,
        typer.Option(help="Baseline file. Its violations are not reported, only new ones."),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write-baseline", help="Write all violations of today to the file of --baseline."
        ),
    ] = False,
) -> None:
    """Check every requirement of a repository against the pin policy.

    Reads every file below ROOT that pins or installs distributions, offline; in a git repository,
    only files that git does not ignore. Prints the violations to standard output, and a summary to
    standard error: how many files of which kinds were read, and which kinds were not.

    `pinproof explain PIN001` explains a code. pins.toml can allow single violations, each with a
    reason and an expiry date.

    For example:

    * `pinproof check`

    * `pinproof check ../other --format sarif > pins.sarif`

    * `pinproof check --baseline pins-baseline.json --write-baseline`

    * `pinproof check --baseline pins-baseline.json`

    Exit status: 0 no violation, or with --baseline no new one; 1 violations; 2 a file cannot be
    read (PIN000), no file could be read, pins.toml or the baseline is invalid, or an argument is
    wrong.
    """
    if write and baseline is None:
        raise BaselineError(
            "--write-baseline needs a file.", remedy="Name it: --baseline pins-baseline.json."
        )
    report = check_repository(root)
    if not (root / POLICY_FILE).is_file() and (above := find_root(root.resolve())):
        typer.echo(
            f"{above / POLICY_FILE} is not used, because it is above the checked folder: "
            f"check {above} to use it.",
            err=True,
        )
    for entry in report.unused:
        typer.echo(entry, err=True)
    if write and baseline is not None:
        count = write_baseline(baseline, report.violations)
        typer.echo(f"{baseline} has {count} violation{'' if count == 1 else 's'}.", err=True)
        return
    if baseline is not None:
        compared = compare_with_baseline(read_baseline(baseline), report.violations)
        report = replace(report, violations=compared.new)
        for line in compared.stale:
            typer.echo(f"{baseline}: {line}: write it again", err=True)
        typer.echo(f"{baseline}: {compared.known} known, {len(compared.new)} new.", err=True)
    typer.echo(REPORTERS[output](report), nl=False)
    typer.echo(report.summary, err=True)
    if report.violations:
        raise typer.Exit(2 if report.unusable else 1)
