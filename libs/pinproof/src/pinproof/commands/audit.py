"""`pinproof audit`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pinproof.audit import audit as audit_pins
from pinproof.audit.advisories import SOURCES
from pinproof.audit.http_client import Client
from pinproof.audit.rendering import remarks, render
from pinproof.commands.options import (
    INDEX_URL,
    TARGET,
    IndexUrl,
    Target,
    open_index,
    show_progress,
)
from pinproof.environment.interpreter import inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.repository.pins import read_pins

__all__ = ["WhichEnvironmentError", "command"]


class WhichEnvironmentError(PinproofError):
    """An environment is given for more than one set of pins."""


def command(  # noqa: PLR0917 - typer calls it by name
    target: Target = TARGET,
    python: Annotated[
        Path | None,
        typer.Option(
            help="The interpreter of an environment that TARGET, a file, was installed in."
        ),
    ] = None,
    source: Annotated[
        Literal["osv", "pypi"],
        typer.Option(
            help="Where advisories are had: a server with the interface of OSV, or with the "
            "JSON API of PyPI.",
            envvar="PINPROOF_ADVISORIES",
        ),
    ] = "osv",
    advisories_url: Annotated[
        str | None,
        typer.Option(
            help="The address of that server. Default: the public one.",
            envvar="PINPROOF_ADVISORIES_URL",
        ),
    ] = None,
    index_url: IndexUrl = INDEX_URL,
    output: Annotated[
        Literal["text", "json", "github", "sarif"],
        typer.Option("--format", help="As for `pinproof check`."),
    ] = "text",
) -> None:
    """Find the advisories that affect what the pins admit, and what it takes to get a fix.

    Looked at are the lowest and the newest release that each pin admits, those between, the newest
    release of what the pins bring along without a pin, and with --python what is installed. Each
    advisory is told with a verdict:

    * reachable: only what is installed is affected; install again

    * floor-bump: the newest release that the pin admits is not affected, a lower one is

    * pin-bump: the pin keeps every fixed release out

    * parent-bump: somebody else's requirement keeps every fixed release out

    * no-fix: no release fixes it

    For example:

    * `pinproof audit`

    * `pinproof audit requirements-prod.txt --python .venv/bin/python`

    Exit status: 0 no advisory, or only ignored ones; 1 advisories; 2 the pins cannot be read, or
    the index or the source of advisories does not answer, or not wholly.
    """
    if python is not None and not target.is_file():
        raise WhichEnvironmentError(
            f"An environment is given, and {target} is no requirements file.",
            remedy="Name the file that it was installed from.",
        )
    pins = read_pins(target)
    installation = inspect_interpreter(python) if python is not None else None
    client = Client()
    kind = SOURCES[source]
    result = audit_pins(
        pins,
        open_index(index_url, client),
        kind(advisories_url or kind.default, client),
        installation=installation,
        progress=show_progress,
    )
    typer.echo(render(result, output), nl=False)
    for line in remarks(result):
        typer.echo(line, err=True)
    if result.findings:
        raise typer.Exit(1)
