"""`pinproof trial`."""

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pinproof.closure.uv import find_uv
from pinproof.commands.prove import CacheLimit, CacheOption, ReportOption, RootOption, UvOption
from pinproof.proof.draft import Draft, parse_changes
from pinproof.proof.reporting import write_report
from pinproof.proof.setting_up import ProofError, interpreters_for, set_up
from pinproof.proof.trial import trial as try_changes
from pinproof.proof.trial_report import describe

__all__ = ["command"]


def command(  # noqa: PLR0917 - typer makes options of them, nobody passes them by position
    service: Annotated[str, typer.Argument(help="A service's folder below the root.")],
    pins: Annotated[list[str], typer.Argument(help="The pins to try, like 'numpy~=2.4.0'.")],
    root: RootOption = Path(),
    report: ReportOption = Path("reports", "trials"),
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Change the requirement files if the upgrade can be made."),
    ] = False,
    python: Annotated[
        str | None, typer.Option(help="The minor version to try under. Default: the first present.")
    ] = None,
    uv: UvOption = None,
    cache: CacheOption = None,
    cache_limit: CacheLimit = 8.0,
) -> None:
    """Tell what an upgrade outside of today's pins would do to a service's model.

    Finds which other pins must move along, makes the environment, and sees there whether
    everything imports, whether today's model loads and answers the same when nobody guards it, and
    whether one that is trained anew is as good. The report holds the numbers, the distributions
    that move, and the patch of the requirement files.

    For example:

    * `pinproof trial BankChurn-Predictor 'numpy~=2.4.0'`

    * `pinproof trial BankChurn-Predictor 'pandas~=3.0.0' 'numpy~=2.4.0' --apply`

    Exit status: 0 the upgrade can be made (compatible, or needs retraining), 1 it cannot or should
    not, 2 it cannot be tried.
    """

    def say(text: str) -> None:
        typer.echo(f"{service}: {text}", err=True)

    changes = parse_changes(pins)
    runner = set_up(root, service, uv=uv, cache=cache, limit_gib=cache_limit, say=say)
    interpreters = interpreters_for(runner)
    minor = python or next(iter(interpreters))
    if minor not in interpreters:
        raise ProofError(
            f"Python {minor} is not here, or not supported.",
            remedy=f"Choose of {', '.join(interpreters)}.",
        )
    with tempfile.TemporaryDirectory(prefix="pinproof-trial-") as folder:
        draft = Draft(root, Path(folder), runner.job.service)
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
