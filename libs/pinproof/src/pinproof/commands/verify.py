"""`pinproof verify`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.environment.verify import Verification
from pinproof.environment.verify import verify as verify_environment


def command(
    requirements: Annotated[
        Path, typer.Argument(help="Requirements file. Its -r and -c lines are followed.")
    ],
    python: Annotated[
        Path | None,
        typer.Option(help="Interpreter of the environment. Default: the one that runs pinproof."),
    ] = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Output format.")
    ] = "text",
) -> None:
    """Compare an environment with a requirements file.

    Reports each distribution that is missing, that has a version that the file does not admit, or
    that is extra: installed, but required neither by the file nor by its dependencies.

    pip, setuptools, wheel, and distributions that are installed from a source folder
    (`pip install -e .`) are never extra. The dependencies of a source folder are extra unless the
    file requires them.

    For example:

    * `pinproof verify requirements-prod.txt`

    * `pinproof verify requirements-dev.txt --python .venv/bin/python --format json`

    Exit status: 0 no difference; 1 differences; 2 the file or the interpreter cannot be used.
    """
    verification = verify_environment(requirements, python=python)
    if output == "json":
        typer.echo(_json(verification))
    else:
        for finding in verification.findings:
            typer.echo(f"{finding.fault}: {finding.message}")
    typer.echo(_summary(requirements, verification), err=True)
    if verification.findings:
        raise typer.Exit(1)


def _json(verification: Verification) -> str:
    findings = [
        {**asdict(finding), "message": finding.message} for finding in verification.findings
    ]
    return json.dumps({"format": 1, **asdict(verification), "findings": findings}, indent=2)


def _summary(requirements: Path, verification: Verification) -> str:
    count = len(verification.findings)
    differences = {0: "no differences", 1: "1 difference"}.get(count, f"{count} differences")
    expected = [*verification.first_party, *verification.installers]
    allowed = f"; not in the file, as expected: {', '.join(expected)}" if expected else ""
    return f"{requirements}: {differences}, {verification.installed} installed{allowed}."
