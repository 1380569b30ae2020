"""`pinproof verify`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.environment.verify import Verification
from pinproof.environment.verify import verify as verify_environment

__all__ = ["command"]


def command(
    requirements: Annotated[
        Path, typer.Argument(help="The requirements file; its -r and -c lines are followed.")
    ],
    python: Annotated[
        Path | None,
        typer.Option(help="The interpreter whose environment is compared. Default: this one."),
    ] = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.")
    ] = "text",
) -> None:
    """Compare an environment with a requirements file.

    Reports each distribution that is missing, whose version the file does not admit, or that is
    extra: installed, but asked for neither by the file nor by anything that the file leads to.

    pip, setuptools and wheel are never extra. Neither is what was installed from a folder of
    source (`pip install -e .`), but what only that asks for is: it is not in the file.

    For example:

    * `pinproof verify requirements-prod.txt`

    * `pinproof verify requirements-dev.txt --python .venv/bin/python --format json`

    Exit status: 0 the same, 1 differences, 2 the file or the interpreter cannot be used.
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
    besides = [*verification.first_party, *verification.installers]
    allowed = f"; beside the file: {', '.join(besides)}" if besides else ""
    return f"{requirements}: {differences}, {verification.installed} installed{allowed}."
