"""`pinproof audit`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.audit import audit as audit_pins
from pinproof.audit.advisories import SOURCES
from pinproof.audit.http_client import Client
from pinproof.audit.rendering import notes, render
from pinproof.commands.options import (
    TARGET,
    IndexUrls,
    Target,
    open_indexes,
    show_progress,
)
from pinproof.environment.interpreter import inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.repository.pins import read_pins


class WhichEnvironmentError(PinproofError):
    """`--python` is given for something else than one requirements file."""


def command(  # noqa: PLR0917 - typer calls it by name
    target: Target = TARGET,
    python: Annotated[
        Path | None,
        typer.Option(
            help="Interpreter of an environment to audit. TARGET must be the requirements file "
            "that it was installed from."
        ),
    ] = None,
    source: Annotated[
        Literal["osv", "pypi"],
        typer.Option(
            help="API of the advisory server: osv for the API of OSV, pypi for the JSON API of "
            "PyPI.",
            envvar="PINPROOF_ADVISORIES",
        ),
    ] = "osv",
    advisories_url: Annotated[
        str | None,
        typer.Option(
            help="Address of the advisory server. Default: the public server of the API.",
            envvar="PINPROOF_ADVISORIES_URL",
        ),
    ] = None,
    index_url: IndexUrls = None,
    output: Annotated[
        Literal["text", "json", "github", "sarif"],
        typer.Option(
            "--format",
            help="Output format. text: file:line: ADVISORY message. json: for programs. "
            "github: annotations of a pull request. sarif: for code scanning.",
        ),
    ] = "text",
) -> None:
    """Find the advisories that affect what the pins admit, and the change that avoids each.

    Audits every release that a pin admits, the newest release of each dependency without a pin,
    and, with --python, the installed releases. Prints each advisory with a verdict:

    * reachable: only the installed release is affected; install again

    * floor-bump: a release that the pin admits is affected, the newest is not; raise the pin

    * pin-bump: the pin excludes every fixed release; move it

    * parent-bump: the requirement of a parent excludes every fixed release; upgrade the parent

    * no-fix: no release fixes it

    For example:

    * `pinproof audit`

    * `pinproof audit requirements-prod.txt --python .venv/bin/python`

    Exit status: 0 no advisory, or only ignored ones; 1 advisories; 2 the pins cannot be read, the
    advisory server does not answer completely, an index does not answer for a distribution, or no
    release of it can be installed. The advisories for the other distributions are shown.
    """
    if python is not None and not target.is_file():
        raise WhichEnvironmentError(
            f"--python needs a requirements file, and {target} is not one.",
            remedy="Name the file that the environment was installed from.",
        )
    pins = read_pins(target)
    installation = inspect_interpreter(python) if python is not None else None
    kind = SOURCES[source]
    result = audit_pins(
        pins,
        open_indexes(index_url, target),
        kind(advisories_url or kind.default, Client()),
        installation=installation,
        progress=show_progress,
    )
    typer.echo(render(result, output), nl=False)
    for line in notes(result):
        typer.echo(line, err=True)
    if result.unknown:
        raise typer.Exit(2)
    if result.findings:
        raise typer.Exit(1)
