"""`pinproof trial`."""

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pinproof.closure.uv import find_uv
from pinproof.commands.prove import (
    CacheLimit,
    CacheOption,
    ReportOption,
    RootOption,
    UvOption,
    open_runner,
)
from pinproof.proof.job import ProofError
from pinproof.proof.trial import trial as try_changes
from pinproof.proof.trial_report import describe
from pinproof.proof.working_copy import WorkingCopy, parse_changes
from pinproof.proof.write_report import write_report


def command(  # noqa: PLR0917 - typer calls it by name
    service: Annotated[str, typer.Argument(help="Folder of the service below the root.")],
    pins: Annotated[list[str], typer.Argument(help="Pins to try, such as 'numpy~=2.4.0'.")],
    root: RootOption = Path(),
    report: ReportOption = Path("reports", "trials"),
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Change the requirements files if the upgrade is possible."),
    ] = False,
    python: Annotated[
        str | None,
        typer.Option(
            help="Minor version of Python. Default: the first supported one on this machine."
        ),
    ] = None,
    uv: UvOption = None,
    cache: CacheOption = None,
    cache_limit: CacheLimit = 8.0,
) -> None:
    """Show what an upgrade outside of today's pins would do to the model of a service.

    Finds the other pins that must change too, and creates the environment. There it checks whether
    everything imports, whether today's model loads and predicts the same without its seal, and
    whether a retrained model is as good. The report has the numbers, the versions that change, and
    the patch of the requirements files.

    For example:

    * `pinproof trial Orders-Service 'numpy~=2.4.0'`

    * `pinproof trial Orders-Service 'pandas~=3.0.0' 'numpy~=2.4.0' --apply`

    Exit status: 0 the upgrade is possible (compatible, or needs retraining); 1 it is not; 2 the
    trial cannot be made.
    """
    changes = parse_changes(pins)
    runner = open_runner(root, service, uv, cache, cache_limit)
    interpreters = runner.job.interpreters()
    minor = python or next(iter(interpreters))
    if minor not in interpreters:
        raise ProofError(
            f"Python {minor} is not on this machine, or not supported.",
            remedy=f"Choose one of {', '.join(interpreters)}.",
        )
    with tempfile.TemporaryDirectory(prefix="pinproof-trial-") as folder:
        draft = WorkingCopy(root, Path(folder), runner.job.service)
        found = try_changes(runner, draft, changes, (minor, interpreters[minor]), find_uv(root, uv))
        document = describe(found)
        tried = [f"{name}-{pin.specifier}" for name, pin in sorted(changes.items())]
        name = re.sub(r"[^\w.]+", "-", "-".join([runner.job.service, *tried]))
        written = write_report(report, name, document, {"trial": found})
        typer.echo(f"{document.verdict}. {document.summary}")
        typer.echo(found.patch, nl=False)
        for path in written:
            typer.echo(f"  {path}", err=True)
        if not found.verdict.can_be_made:
            raise typer.Exit(1)
        if apply:
            typer.echo(f"Changed: {', '.join(draft.apply())}.", err=True)
